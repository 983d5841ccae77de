#pragma once

#include <asm/unistd.h>

/// What programs without libc share: they travel within reeved and are executed from memory.
namespace reeve::os::bare {

#if defined(__x86_64__)
inline long system_call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0,
                        long f = 0) {
    long result;
    register long r10 asm("r10") = d;
    register long r8 asm("r8") = e;
    register long r9 asm("r9") = f;
    asm volatile("syscall"
                 : "=a"(result)
                 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                 : "rcx", "r11", "memory");
    return result;
}
/// Where the program begins: a function of C's that gets the arguments and never returns.
#define REEVE_ENTRY(function)                          \
    asm(".globl _start\n_start:\n\txor %ebp, %ebp\n\t" \
        "lea 8(%rsp), %rdi\n\tand $-16, %rsp\n\tcall " #function "\n")
#elif defined(__aarch64__)
inline long system_call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0,
                        long f = 0) {
    register long x8 asm("x8") = number;
    register long x0 asm("x0") = a;
    register long x1 asm("x1") = b;
    register long x2 asm("x2") = c;
    register long x3 asm("x3") = d;
    register long x4 asm("x4") = e;
    register long x5 asm("x5") = f;
    asm volatile("svc #0"
                 : "+r"(x0)
                 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                 : "memory");
    return x0;
}
#define REEVE_ENTRY(function) \
    asm(".globl _start\n_start:\n\tmov x29, #0\n\tadd x0, sp, #8\n\tbl " #function "\n")
#endif

inline long address(const void* pointer) { return reinterpret_cast<long>(pointer); }

[[noreturn]] inline void leave(int status) {
    for (;;) system_call(__NR_exit_group, status);
}

// The kernel's own forms of these; libc's headers go with libc.
struct Poll {
    int fd;
    short wanted, found;
};
struct Time {
    long seconds, nanoseconds;
};

constexpr long interrupted = -4;
constexpr short readable = 1, writable = 4;

}  // namespace reeve::os::bare
