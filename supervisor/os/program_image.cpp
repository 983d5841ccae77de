#include "supervisor/os/program_image.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <cerrno>
#include <string>

#include "supervisor/os/files.h"

namespace reeve::os {

namespace {

Fd make_executable_memory(const char* name) {
    constexpr unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    constexpr unsigned executable = 0x10;  // MFD_EXEC, which kernels before 6.3 do not know
    Fd memory(memfd_create(name, flags | executable));
    if (memory || errno != EINVAL) return memory;
    return Fd(memfd_create(name, flags));
}

}  // namespace

Result<Fd> make_program_image(const char* name, std::string_view program) {
    std::string what = "cannot make the program ";
    what += name;
    if (program.empty()) return error(what + ": there is none for this processor");
    Fd memory = make_executable_memory(name);
    if (!memory) return system_error(what);
    if (auto written = write_all(memory.get(), program); !written) return written.error();
    constexpr int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    if (fcntl(memory.get(), F_ADD_SEALS, seals) != 0) return system_error(what);
    return memory;
}

}  // namespace reeve::os
