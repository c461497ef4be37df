/* What is on the disk for sure: after each sync of a file in the folder KOMOPAY_DISK_OF, its content is copied to the
 * folder KOMOPAY_DISK. What was written and not synced is never there, as after the power failed.
 *
 * Loaded into a worker by LD_PRELOAD; see files.rs, which locks the same file while it looks. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* Read through the same descriptor: to close another one of the file would drop SQLite's locks of it. */
static void copy(int from, const char *to) {
    char part[65536], next[2 * PATH_MAX + 16];
    snprintf(next, sizeof next, "%s-next", to);
    int out = open(next, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    off_t at = 0;
    ssize_t size;
    while ((size = pread(from, part, sizeof part, at)) > 0) {
        if (write(out, part, (size_t)size) != size) abort();
        at += size;
    }
    close(out);
    if (size < 0 || rename(next, to) != 0) abort();
}

static void synced(int file) {
    const char *of = getenv("KOMOPAY_DISK_OF"), *disk = getenv("KOMOPAY_DISK");
    char link[64], path[PATH_MAX], to[2 * PATH_MAX], lock[PATH_MAX + 16];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (of == NULL || disk == NULL || length < 0) return;
    path[length] = 0;
    char *name = strrchr(path, '/');
    if (name == NULL || strncmp(path, of, strlen(of)) != 0 || strlen(of) != (size_t)(name - path)) return;
    /* A folder's own sync ends in its name. */
    if (strstr(name, "journal.sqlite") == NULL) return;
    snprintf(to, sizeof to, "%s%s", disk, name);
    snprintf(lock, sizeof lock, "%s/lock", disk);
    int held = open(lock, O_RDWR | O_CREAT, 0600);
    if (held < 0 || flock(held, LOCK_EX) != 0) abort();
    copy(file, to);
    close(held);
}

int fsync(int file) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    int result = real(file);
    if (result == 0) synced(file);
    return result;
}

int fdatasync(int file) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    int result = real(file);
    if (result == 0) synced(file);
    return result;
}
