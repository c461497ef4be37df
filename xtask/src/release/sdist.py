"""Puts a lock file in place of the one in an sdist, and nothing else: `sdist.py SDIST LOCK`."""

import gzip
import io
import sys
import tarfile
from pathlib import Path

sdist, lock = map(Path, sys.argv[1:])
with tarfile.open(sdist) as archive:
    members = [(member, archive.extractfile(member)) for member in archive]
    contents = [(member, None if file is None else file.read()) for member, file in members]

written = io.BytesIO()
replaced = 0
with tarfile.open(fileobj=written, mode="w", format=tarfile.GNU_FORMAT) as archive:
    for member, content in contents:
        if member.name.count("/") == 1 and member.name.endswith("/Cargo.lock"):
            content, replaced = lock.read_bytes(), replaced + 1
            member.size = len(content)
        archive.addfile(member, None if content is None else io.BytesIO(content))
if replaced != 1:
    sys.exit(f"{sdist} has {replaced} lock files, and should have one")
# The same bytes from the same files, whenever they are written.
sdist.write_bytes(gzip.compress(written.getvalue(), mtime=0))
