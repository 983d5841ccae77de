#include "supervisor/os/capabilities.h"

#include <sys/capability.h>
#include <sys/prctl.h>

#include <algorithm>
#include <cctype>
#include <memory>

namespace reeve::os {

namespace {

struct Free {
    void operator()(void* of_libcap) const { ::cap_free(of_libcap); }
};
using Capabilities = std::unique_ptr<std::remove_pointer_t<cap_t>, Free>;

Error missing(int capability) {
    std::string text = "capabilities: ";
    text.append(capability_name(capability)).append(": the supervisor does not hold it");
    return {std::move(text), {}, {}};
}

bool has(const Capabilities& held, int capability, cap_flag_t flag) {
    cap_flag_value_t value = CAP_CLEAR;
    return held && ::cap_get_flag(held.get(), capability, flag, &value) == 0 && value == CAP_SET;
}

}  // namespace

std::string capability_name(int capability) {
    const std::unique_ptr<char, Free> known(::cap_to_name(static_cast<cap_value_t>(capability)));
    std::string name = known ? known.get() : std::to_string(capability);
    if (name.starts_with("cap_")) name.erase(0, 4);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return name;
}

std::uint64_t bounding_set() {
    std::uint64_t set = 0;
    for (int i = 0; i < 64; ++i) {
        const int there = ::prctl(PR_CAPBSET_READ, i, 0, 0, 0);
        if (there < 0) break;
        if (there > 0) set |= std::uint64_t{1} << i;
    }
    return set;
}

bool can_cut() { return has(Capabilities(::cap_get_proc()), CAP_SETPCAP, CAP_EFFECTIVE); }

Result<> can_give(const std::vector<int>& capabilities, bool no_new_privileges) {
    const Capabilities held(::cap_get_proc());
    if (!held) return system_error("cannot tell which capabilities the supervisor holds");
    std::uint64_t surplus = bounding_set();
    for (const int capability : capabilities) {
        const std::uint64_t bit = std::uint64_t{1} << capability;
        if (!has(held, capability, CAP_PERMITTED) || (bounding_set() & bit) == 0) {
            return missing(capability);
        }
        surplus &= ~bit;
    }
    // Who gains nothing by executing files needs not be cut off from it.
    if (surplus == 0 || no_new_privileges || can_cut()) return {};
    Error error = missing(CAP_SETPCAP);
    error.message.append(", which it takes to cut off the others; run it as root, or set ");
    error.message.append("no_new_privileges: true");
    return error;
}

}  // namespace reeve::os
