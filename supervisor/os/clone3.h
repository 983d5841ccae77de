#pragma once

#include <linux/sched.h>

#include <cstddef>

/// clone3(2), which libc does not offer: the only way to be born within a cgroup.
namespace reeve::os {

#if defined(__x86_64__) || defined(__aarch64__)
constexpr bool have_clone3 = true;
#else
constexpr bool have_clone3 = false;
#endif

/// Runs function(argument), which must not return, in a child on the stack that `arguments` names.
/// Returns the child's number, or an errno below zero; ENOSYS where have_clone3 is false.
long clone3_child(clone_args& arguments, int (*function)(void*), void* argument);

}  // namespace reeve::os
