"""Backups of uploaded files, made with tar."""
import subprocess


def archive_uploads(folder: str, archive: str) -> None:
    """Pack the folder into the gzipped archive with the tar command."""
    
