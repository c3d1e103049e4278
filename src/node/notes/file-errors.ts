import { ExpectedError, messageOf } from '../../core/errors.ts';

/** The system's code of a file error (`ENOENT`), if it is one. */
export function fileErrorCode(error: unknown): string | undefined {
  // Other errors have codes too; only the system's name the call that failed.
  return error instanceof Error && 'syscall' in error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** A failed write in words, with what to do about it. Errors that are no file errors come back as they are. */
export function writeError(error: unknown, what: string): unknown {
  const code = fileErrorCode(error);
  if (code === undefined || error instanceof ExpectedError) return error;
  const options = { cause: error };
  switch (code) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new ExpectedError('read-only', `${what} cannot be written: no permission.`, 'Make the folder writable for your user, then try again.', options);
    case 'ENOSPC':
    case 'EDQUOT':
      return new ExpectedError('disk-full', `${what} cannot be written: the disk is full.`, 'Free some space, then try again. Nothing that was stored before is lost.', options);
    case 'EMFILE':
    case 'ENFILE':
      return new ExpectedError('too-many-files', `${what} cannot be written: too many files are open.`, 'Close some programs or raise the limit of open files, then try again.', options);
    default:
      return new ExpectedError('write-failed', `${what} cannot be written: ${messageOf(error)}.`, 'Check that the folder exists, is a folder, and can be written.', options);
  }
}
