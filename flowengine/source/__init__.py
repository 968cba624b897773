"""Files as data in which every key and value knows its place."""

from flowengine.source.checking import check
from flowengine.source.document import Document, Path
from flowengine.source.reading import read

__all__ = ["Document", "Path", "check", "read"]
