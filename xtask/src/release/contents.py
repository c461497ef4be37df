"""What packages are made of, as JSON: `contents.py FILE...`."""

import hashlib
import json
import sys
import tarfile
import zipfile
from pathlib import Path


def sizes(package: Path) -> dict[str, int]:
    """The files in it. What is no archive is one itself."""
    if zipfile.is_zipfile(package):
        with zipfile.ZipFile(package) as archive:
            return {member.filename: member.file_size for member in archive.infolist() if not member.is_dir()}
    if tarfile.is_tarfile(package):
        with tarfile.open(package) as archive:
            return {member.name: member.size for member in archive if member.isfile()}
    return {package.name: package.stat().st_size}


def contents(package: Path) -> dict[str, object]:
    files = sizes(package)
    largest = max(files, key=lambda name: files[name])
    return {
        "sha256": hashlib.sha256(package.read_bytes()).hexdigest(),
        "bytes": package.stat().st_size,
        "files": len(files),
        "unpacked": sum(files.values()),
        "largest": largest,
        "largest_bytes": files[largest],
    }


print(json.dumps([contents(Path(name)) for name in sys.argv[1:]]))
