#include "supervisor/os/clone3.h"

#include <cerrno>

// The child comes out of the system call on an empty stack, so it cannot return to where the parent
// called from: that part cannot be written in C++.
#if defined(__x86_64__)
asm(R"(
    .text
    .type reeve_clone3, @function
reeve_clone3:
    .cfi_startproc
    endbr64
    mov %rcx, %r8          # the system call overwrites rcx and r11, no other
    mov $435, %eax
    syscall
    test %rax, %rax
    jz 1f
    ret
    .cfi_endproc
1:  .cfi_startproc
    .cfi_undefined rip     # nobody called the child
    xor %ebp, %ebp
    mov %r8, %rdi
    call *%rdx
    hlt
    .cfi_endproc
    .size reeve_clone3, . - reeve_clone3
)");
#elif defined(__aarch64__)
asm(R"(
    .text
    .type reeve_clone3, %function
reeve_clone3:
    .cfi_startproc
    mov x8, #435
    svc #0
    cbz x0, 1f
    ret
    .cfi_endproc
1:  .cfi_startproc
    .cfi_undefined x30     // nobody called the child
    mov x29, #0
    mov x30, #0
    mov x0, x3
    blr x2
    brk #0
    .cfi_endproc
    .size reeve_clone3, . - reeve_clone3
)");
#endif

namespace reeve::os {

#if defined(__x86_64__) || defined(__aarch64__)
extern "C" long reeve_clone3(clone_args* arguments, std::size_t size, int (*function)(void*),
                             void* argument);

long clone3_child(clone_args& arguments, int (*function)(void*), void* argument) {
    return reeve_clone3(&arguments, sizeof arguments, function, argument);
}
#else
long clone3_child(clone_args&, int (*)(void*), void*) { return -ENOSYS; }
#endif

}  // namespace reeve::os
