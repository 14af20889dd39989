// Defines __GLIBC__ where there is one.
#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
