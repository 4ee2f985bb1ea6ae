"""A line to an object store that tells what was asked of it about documents."""

from sync.linecut import Carried, LineCut


class _Watched(Carried):
    def __init__(self) -> None:
        super().__init__()
        self.documents = 0

    def count(self, data: bytes, *, up: bool) -> None:
        super().count(data, up=up)
        if up:
            asked = (line for line in data.split(b"\r\n") if line.endswith(b" HTTP/1.1"))
            self.documents += sum(b"blobs" in line for line in asked)


class DocumentLine(LineCut):
    """A line to a store on loopback."""

    def __init__(self, port: int) -> None:
        super().__init__("127.0.0.1", port)
        self._watched = self.carried = _Watched()

    @property
    def asked_for_documents(self) -> int:
        """Return how many requests named a document or their folder."""
        return self._watched.documents
