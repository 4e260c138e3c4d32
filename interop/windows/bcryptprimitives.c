/* Wine 8 has no bcryptprimitives.dll, whose one function Rust's standard library imports for random
 * numbers. This one asks the generator that Wine does have (RtlGenRandom). */

#include <stddef.h>

typedef unsigned char boolean;

/* RtlGenRandom by its name in advapi32. */
__declspec(dllimport) boolean __stdcall SystemFunction036(void *buffer, unsigned long length);

__declspec(dllexport) int __stdcall ProcessPrng(unsigned char *buffer, size_t length)
{
    return SystemFunction036(buffer, (unsigned long)length);
}
