#include <lmdb.h>

#ifdef __linux__
#include <sys/types.h>

/* Declared by <fcntl.h> for _GNU_SOURCE only, which Swift's Glibc module is built without. */
extern int fallocate(int descriptor, int mode, off_t offset, off_t count);

/* Reserves room in a file and keeps its size (FALLOC_FL_KEEP_SIZE). Returns 0, or -1 and errno. */
static inline int storage_reserve(int descriptor, off_t offset, off_t count) {
    return fallocate(descriptor, 1, offset, count);
}
#endif
