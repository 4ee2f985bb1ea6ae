"""A machine in QEMU: a kernel, a disk and USB ports of its own.

Invariant: its disk has a write cache that a power cut empties: what the machine did not flush may be gone. (It is
a qcow2 over the disk: QEMU keeps the table of newly written places in its memory until the guest flushes, and is
killed with SIGKILL. Between two boots what reached the qcow2 is brought into the disk, so that every boot begins
with nothing written.)
"""

import json
import lzma
import re
import shutil
import socket
import struct
import subprocess
from pathlib import Path
from typing import Any, Final

from tests.boxes.container import Container
from tests.boxes.machine import Machine

PROGRAMS: Final = ("qemu-system-x86_64", "qemu-img", "mke2fs")
# The device alone proves nothing: where these flags are hidden, a kernel that is not made for it hangs in there.
KVM: Final = Path("/dev/kvm").exists() and bool(
    re.search(r"^flags.*\b(vmx|svm)\b", Path("/proc/cpuinfo").read_text(), re.M)
)
_SIZE: Final = "6G"
_MEMORY: Final = "1536"
# Without the detours that only keep a processor from guessing (QEMU's own does not, and each costs it a jump), and
# without what a kernel does to itself at every start: it tests its ciphers, wipes each page.
_LINE: Final = (
    "root=/dev/vda rw console=ttyS0 panic=-1 quiet mitigations=off "
    "init_on_alloc=0 cryptomgr.notests nowatchdog audit=0 random.trust_cpu=on modprobe.blacklist="
    # What no part of a box needs and udev loads for devices and processors that QEMU has.
    "floppy,ata_piix,ata_generic,pcspkr,kvm,kvm_amd,kvm_intel,ccp,cfg80211,psmouse,i2c_piix4,efi_pstore,qemu_fw_cfg"
)
# Wide registers, and strings moved byte by byte (what newer processors are quickest with), are QEMU's slowest.
_INTERPRETED: Final = "Nehalem,+aes,+pclmulqdq,+rdrand"
# What it takes to get at the disk. Debian's own initial RAM disk has drivers for everything, unpacked each time.
_MODULES: Final = ("virtio_pci", "virtio_blk", "ext4", "crc32c_generic", "crc32c_intel")


class Virtual(Machine):
    """The disk of a container that was shut down, with a kernel and an initial RAM disk in /boot, in QEMU.

    Its secrets open here too: they are encrypted to that disk, where there is no TPM.
    """

    boot_s = 180.0 if KVM else 1200.0

    def __init__(self, made: Container, cores: int = 2) -> None:
        super().__init__(made.name, made.number, made.folder, made.login_key)
        self._cores = cores
        self.host_key = made.host_key
        self._cable = f"tap-{self.name}"
        # One login for all that is said until the power goes: where QEMU interprets, each costs half a minute.
        self._login = self.folder / f"{self.name}.ssh"
        self._options = (
            "ConnectTimeout=60",
            "ControlMaster=auto",
            f"ControlPath={self._login}",
            "ControlPersist=yes",
        )
        self._disk, self._cache, self._monitor, self._kernel, self._initrd = (
            self.folder / f"{self.name}.{kind}" for kind in ("raw", "qcow2", "qmp", "vmlinuz", "initrd")
        )
        self._kernel.write_bytes(_unpacked(next((made.root / "boot").glob("vmlinuz-*")).read_bytes()))
        _make_initrd(made.root, self._initrd)
        command = ["mke2fs", "-q", "-t", "ext4", "-d", str(made.root), str(self._disk), _SIZE]
        subprocess.run(command, check=True)

    def shut_down(self) -> None:
        """Press the power button."""
        self.monitor("system_powerdown")
        assert self._process is not None
        self._process.wait(90)

    def cut_power(self) -> None:
        """Kill it; what its disk had not flushed is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)
        leave = [*self.shell()[:-2], "-O", "exit", "nobody"]
        subprocess.run(leave, check=False, capture_output=True)

    def destroy(self) -> None:
        """Cut the power and remove everything."""
        self.cut_power()
        self._ip("link", "delete", self._cable)
        for file in (self._disk, self._cache, self._monitor, self._kernel, self._initrd):
            file.unlink(missing_ok=True)

    def plug_usb(self, name: str, kind: str, image: Path | None = None) -> None:
        """Put a device into a USB port: `kind` as QEMU names it, with the file that a storage device holds."""
        drive = {}
        if image is not None:
            node = {
                "node-name": f"{name}-file",
                "driver": "raw",
                "file": {"driver": "file", "filename": str(image)},
            }
            self.monitor("blockdev-add", **node)
            drive = {"drive": f"{name}-file"}
        self.monitor("device_add", driver=kind, id=name, bus="usb.0", **drive)

    def pull_usb(self, name: str) -> None:
        """Pull a device out of its port."""
        self.monitor("device_del", id=name)

    def monitor(self, command: str, **arguments: Any) -> Any:
        """Ask QEMU's monitor; return its answer."""
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(self._monitor))
            with line.makefile("rwb", buffering=0) as said:
                said.readline()  # its greeting
                for word, given in (("qmp_capabilities", {}), (command, arguments)):
                    said.write(json.dumps({"execute": word, "arguments": given}).encode() + b"\n")
                    while "event" in (answer := json.loads(said.readline())):
                        pass
        assert "return" in answer, answer
        return answer["return"]

    def _start(self) -> None:
        if self._cache.exists():
            subprocess.run(["qemu-img", "commit", "-q", str(self._cache)], check=True)
        made = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", str(self._disk), str(self._cache)]
        subprocess.run(made, check=True)
        if not self._ip("link", "show", self._cable):
            self._ip("tuntap", "add", "dev", self._cable, "mode", "tap")
        self._monitor.unlink(missing_ok=True)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._wait(self._monitor.exists, "its monitor")

    def _command(self) -> list[str]:
        fast = ("-accel", "kvm", "-cpu", "host") if KVM else ("-accel", "tcg,thread=multi", "-cpu", _INTERPRETED)
        return [
            *("qemu-system-x86_64", *fast, "-m", _MEMORY, "-smp", str(self._cores), "-no-reboot"),
            *("-nodefaults", "-display", "none"),  # no other device that a kernel would look for
            *("-kernel", str(self._kernel), "-initrd", str(self._initrd), "-append", _LINE),
            *("-drive", f"file={self._cache},format=qcow2,if=virtio,cache=writeback"),
            *("-netdev", f"tap,id=net,ifname={self._cable},script=no,downscript=no"),
            *("-device", "virtio-net-pci,netdev=net,romfile=", "-device", "virtio-rng-pci"),
            *("-device", "qemu-xhci,id=usb", "-serial", "stdio", "-monitor", "none"),
            *("-qmp", f"unix:{self._monitor},server=on,wait=off"),
        ]


def _unpacked(image: bytes) -> bytes:
    """Return a kernel that need not unpack itself: that alone takes half a minute where QEMU interprets."""
    sectors, (start, length) = image[0x1F1] or 4, struct.unpack_from("<II", image, 0x248)  # Linux' boot protocol
    start += (sectors + 1) * 512
    return lzma.LZMADecompressor(format=lzma.FORMAT_XZ).decompress(image[start : start + length])


def _make_initrd(root: Path, out: Path) -> None:
    """Have the machine's own Debian make an initial RAM disk with `_MODULES` alone; leave nothing in there."""
    (kernel,) = (root / "lib/modules").iterdir()
    settings = root / "root/initrd"
    shutil.copytree(root / "etc/initramfs-tools", settings)
    (settings / "conf.d/few").write_text("MODULES=list\nCOMPRESS=gzip\n")
    (settings / "modules").write_text("\n".join(_MODULES) + "\n")
    command = ["chroot", str(root), "mkinitramfs", "-d", "/root/initrd", "-o", "/root/initrd/made", kernel.name]
    subprocess.run(command, check=True)
    shutil.move(settings / "made", out)
    shutil.rmtree(settings)
