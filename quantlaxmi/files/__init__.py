"""Files opened without leaving their folder, read in bounds, and written whole or not at all."""

from quantlaxmi.files.chains import opened_chain
from quantlaxmi.files.common import irregular, one_line_errors
from quantlaxmi.files.inside import (
    FileState,
    hash_inside,
    locked_folder,
    map_sized,
    open_inside,
    open_sized,
    read_bounded,
    read_exactly,
    state_inside,
)
from quantlaxmi.files.named import check_regular, open_regular, read_regular, read_toml
from quantlaxmi.files.outputs import (
    CATALOG_HEAD,
    SEGMENT_MANIFEST,
    FileKind,
    check_apart,
    check_file,
    check_folder,
    check_outside,
)
from quantlaxmi.files.write import (
    check_writable,
    staged_directory,
    whole_file,
    write_output,
    write_pieces,
    write_whole,
)
from quantlaxmi.system.folders import sync_file, sync_folder

__all__ = [
    "CATALOG_HEAD",
    "SEGMENT_MANIFEST",
    "FileKind",
    "FileState",
    "check_apart",
    "check_file",
    "check_folder",
    "check_outside",
    "check_regular",
    "check_writable",
    "hash_inside",
    "irregular",
    "locked_folder",
    "map_sized",
    "one_line_errors",
    "open_inside",
    "open_regular",
    "open_sized",
    "opened_chain",
    "read_bounded",
    "read_exactly",
    "read_regular",
    "read_toml",
    "staged_directory",
    "state_inside",
    "sync_file",
    "sync_folder",
    "whole_file",
    "write_output",
    "write_pieces",
    "write_whole",
]
