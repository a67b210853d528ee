/**
 * A library for LD_PRELOAD that makes the nth system call on certain files fail, as a failing disk
 * or a full file system does. libuv and koffi both call the functions of libc that it replaces.
 */
import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Why the library cannot be made here; undefined if it can. */
export const faultyLibcProblem: string | undefined = existsSync("/usr/bin/cc")
  ? undefined
  : "needs a C compiler";

/** A call that fails, so many times or from then on. */
export interface PlannedFault {
  /** A part of the path of the files. */
  readonly file: string;
  readonly call:
    | "write"
    | "read"
    | "fsync"
    | "sync folder"
    | "truncate"
    | "open"
    | "link"
    | "unlink"
    | "rename";
  /** 0 for the first call. */
  readonly at: number;
  readonly errno: "ENOSPC" | "EIO";
  /** How many calls fail; all that come, unless told otherwise. */
  readonly times?: number;
}

/**
 * Compiles the library.
 *
 * @returns Its path.
 */
export function makeFaultyLibc(folder: string): string {
  const source = join(folder, "faulty.c");
  const library = join(folder, "faulty.so");
  writeFileSync(source, SOURCE);
  execFileSync("cc", ["-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"]);
  return library;
}

/**
 * The environment of a program in which a call fails.
 *
 * @param countIn - A file: a byte is appended to it for each call that could have failed.
 */
export function faultyEnvironment(
  library: string,
  fault: PlannedFault,
  countIn: string,
): Record<string, string> {
  const { file, call, at, errno, times = 1_000_000 } = fault;
  return {
    LD_PRELOAD: library,
    FAULTY_FILE: file,
    FAULTY_CALL: call,
    FAULTY_AT: String(at),
    FAULTY_END: String(at + times),
    FAULTY_ERRNO: String({ EIO: 5, ENOSPC: 28 }[errno]),
    FAULTY_COUNT: countIn,
  };
}

const SOURCE = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_int calls;

static int fails_at(const char *path, const char *call) {
  const char *file = getenv("FAULTY_FILE"), *wanted = getenv("FAULTY_CALL");
  if (!file || !wanted || strcmp(wanted, call) != 0 || !strstr(path, file)) return 0;
  int nth = atomic_fetch_add(&calls, 1);
  static int (*plain_open)(const char *, int, ...);
  static ssize_t (*plain_write)(int, const void *, size_t);
  if (!plain_open) plain_open = dlsym(RTLD_NEXT, "open");
  if (!plain_write) plain_write = dlsym(RTLD_NEXT, "write");
  int count = plain_open(getenv("FAULTY_COUNT"), O_WRONLY | O_APPEND | O_CREAT, 0600);
  if (count >= 0) {
    plain_write(count, ".", 1);
    close(count);
  }
  if (nth < atoi(getenv("FAULTY_AT")) || nth >= atoi(getenv("FAULTY_END"))) return 0;
  errno = atoi(getenv("FAULTY_ERRNO"));
  return 1;
}

static int fails(int fd, const char *call) {
  const char *wanted = getenv("FAULTY_CALL");
  if (!wanted) return 0;
  char link[64], path[4096];
  struct stat stat;
  if (strcmp(call, "fsync") == 0 && fstat(fd, &stat) == 0 && S_ISDIR(stat.st_mode))
    call = "sync folder";
  if (strcmp(wanted, call) != 0) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return fails_at(path, call);
}

#define REPLACE(kind, result, name, params, args) \\
  result name params { \\
    static result(*real) params; \\
    if (!real) real = dlsym(RTLD_NEXT, #name); \\
    if (fails(fd, kind)) return -1; \\
    return real args; \\
  }

REPLACE("write", ssize_t, write, (int fd, const void *b, size_t n), (fd, b, n))
REPLACE("write", ssize_t, pwrite, (int fd, const void *b, size_t n, off_t o), (fd, b, n, o))
REPLACE("write", ssize_t, pwrite64, (int fd, const void *b, size_t n, off64_t o), (fd, b, n, o))
REPLACE("write", ssize_t, writev, (int fd, const struct iovec *v, int n), (fd, v, n))
REPLACE("write", ssize_t, pwritev, (int fd, const struct iovec *v, int n, off_t o), (fd, v, n, o))
REPLACE("write", ssize_t, pwritev64, (int fd, const struct iovec *v, int n, off64_t o),
  (fd, v, n, o))
REPLACE("read", ssize_t, read, (int fd, void *b, size_t n), (fd, b, n))
REPLACE("read", ssize_t, pread, (int fd, void *b, size_t n, off_t o), (fd, b, n, o))
REPLACE("read", ssize_t, pread64, (int fd, void *b, size_t n, off64_t o), (fd, b, n, o))
REPLACE("read", ssize_t, preadv, (int fd, const struct iovec *v, int n, off_t o), (fd, v, n, o))
REPLACE("read", ssize_t, preadv64, (int fd, const struct iovec *v, int n, off64_t o), (fd, v, n, o))
REPLACE("fsync", int, fsync, (int fd), (fd))
REPLACE("fsync", int, fdatasync, (int fd), (fd))
REPLACE("truncate", int, ftruncate, (int fd, off_t n), (fd, n))
REPLACE("truncate", int, ftruncate64, (int fd, off64_t n), (fd, n))

#define REPLACE_NAMED(kind, name, path, params, args) \\
  int name params { \\
    static int(*real) params; \\
    if (!real) real = dlsym(RTLD_NEXT, #name); \\
    if (fails_at(path, kind)) return -1; \\
    return real args; \\
  }

REPLACE_NAMED("link", link, to, (const char *from, const char *to), (from, to))
REPLACE_NAMED("rename", rename, to, (const char *from, const char *to), (from, to))
REPLACE_NAMED("unlink", unlink, path, (const char *path), (path))

#define REPLACE_OPEN(name) \\
  int name(const char *path, int flags, ...) { \\
    static int (*real)(const char *, int, ...); \\
    if (!real) real = dlsym(RTLD_NEXT, #name); \\
    va_list more; \\
    va_start(more, flags); \\
    int mode = va_arg(more, int); \\
    va_end(more); \\
    if (fails_at(path, "open")) return -1; \\
    return real(path, flags, mode); \\
  }

REPLACE_OPEN(open)
REPLACE_OPEN(open64)
`;
