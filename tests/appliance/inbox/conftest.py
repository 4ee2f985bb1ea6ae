import shutil
from collections.abc import Iterator

import pytest

from appliance.office import Office
from tests.appliance.inbox.boxing import Box
from tests.school import School, enrol


@pytest.fixture(scope="session")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    made = enrol(tmp_path_factory.mktemp("inbox"), imported=False)
    yield made
    made.close()


@pytest.fixture(scope="session")
def kocho(own: School) -> Iterator[Office]:
    office = own.office("kocho")
    yield office
    office.logout()


@pytest.fixture
def box(own: School, kocho: Office) -> Iterator[Box]:
    for path in own.paths.inbox.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    (own.paths.run / "inbox" / "told.json").unlink(missing_ok=True)
    made = Box(own, kocho)
    yield made
    made.close()
