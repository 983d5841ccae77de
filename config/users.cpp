#include "config/users.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "config/values.h"

namespace reeve::config {

namespace {

constexpr std::size_t kLargestEntry = 1u << 20;

/// Calls a getpwnam_r-like function with a buffer that is large enough. Null: there is none.
template <typename Entry, typename Call, typename Use>
void with_entry(Call call, Use use) {
    std::vector<char> buffer(1024);
    Entry entry{};
    Entry* found = nullptr;
    while (call(&entry, buffer.data(), buffer.size(), &found) == ERANGE &&
           buffer.size() < kLargestEntry) {
        buffer.resize(buffer.size() * 2);
    }
    use(found);
}

std::optional<std::uint32_t> as_id(const std::string& text) {
    if (text.empty() || text.find_first_not_of("0123456789") != std::string::npos) {
        return std::nullopt;
    }
    const auto id = parse_integer(text, 0, 0xfffffffe);
    return id ? std::optional(static_cast<std::uint32_t>(*id)) : std::nullopt;
}

Parsed<Users::User> look_up_user(const std::string& name_or_id) {
    const auto id = as_id(name_or_id);
    Users::User user;
    const auto use = [&](const passwd* entry) {
        if (entry == nullptr) return;
        user = {entry->pw_uid, entry->pw_gid, entry->pw_name, entry->pw_dir, entry->pw_shell, true};
    };
    with_entry<passwd>(
        [&](passwd* entry, char* buffer, std::size_t size, passwd** found) {
            return id ? getpwuid_r(*id, entry, buffer, size, found)
                      : getpwnam_r(name_or_id.c_str(), entry, buffer, size, found);
        },
        use);
    if (user.has_entry) return user;
    if (!id) return Misread{"unknown user " + quote(name_or_id), "create it, or name another"};
    user.uid = *id;
    return user;
}

Parsed<gid_t> look_up_group(const std::string& name_or_id) {
    if (const auto id = as_id(name_or_id)) return gid_t{*id};
    std::optional<gid_t> gid;
    with_entry<group>(
        [&](group* entry, char* buffer, std::size_t size, group** found) {
            return getgrnam_r(name_or_id.c_str(), entry, buffer, size, found);
        },
        [&](const group* entry) {
            if (entry != nullptr) gid = entry->gr_gid;
        });
    if (gid) return *gid;
    return Misread{"unknown group " + quote(name_or_id), "create it, or name another"};
}

template <typename T, typename LookUp>
const T& cached(std::map<std::string, T>& cache, const std::string& key, LookUp look_up) {
    const auto found = cache.find(key);
    return found != cache.end() ? found->second : cache.emplace(key, look_up(key)).first->second;
}

}  // namespace

Parsed<Users::User> Users::user(const std::string& name_or_id) {
    return cached(users_, name_or_id, look_up_user);
}

Parsed<gid_t> Users::group(const std::string& name_or_id) {
    return cached(groups_, name_or_id, look_up_group);
}

std::vector<gid_t> Users::groups_of(const std::string& user, gid_t main_group) {
    const auto known = groups_of_.find({user, main_group});
    if (known != groups_of_.end()) return known->second;
    std::vector<gid_t> groups(64);
    int count = static_cast<int>(groups.size());
    while (getgrouplist(user.c_str(), main_group, groups.data(), &count) < 0 && count < 65'536) {
        groups.resize(std::max(groups.size() * 2, static_cast<std::size_t>(count)));
        count = static_cast<int>(groups.size());
    }
    groups.resize(std::min(groups.size(), static_cast<std::size_t>(std::max(count, 0))));
    std::sort(groups.begin(), groups.end());
    groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
    return groups_of_[{user, main_group}] = groups;
}

std::string Users::group_name(gid_t gid) {
    std::string name;
    with_entry<::group>(
        [&](::group* entry, char* buffer, std::size_t size, ::group** found) {
            return getgrgid_r(gid, entry, buffer, size, found);
        },
        [&](const ::group* entry) {
            if (entry != nullptr) name = entry->gr_name;
        });
    return name;
}

std::string Users::user_name(uid_t uid) {
    const auto user = look_up_user(std::to_string(uid));
    return user ? user->name : std::string();
}

std::optional<Credentials> resolve(const Identity& identity, Users& users, Caller self,
                                   std::vector<IdentityMisread>& misread) {
    if (!identity.user && !identity.group && !identity.supplementary_groups) return std::nullopt;
    const auto fail = [&](std::string_view key, Misread why) {
        misread.push_back({key, std::move(why)});
    };
    const Misread needs_root{"cannot be changed without root",
                             "remove it, or run the supervisor as root"};
    Credentials result;
    const auto user = users.user(identity.user.value_or(std::to_string(self.uid)));
    if (!user) {
        fail("user", user.error());
    } else {
        result.uid = user->uid;
        result.gid = user->has_entry ? user->gid : self.gid;
        if (identity.user) {
            result.user = user->name;
            result.home = user->home;
            result.shell = user->shell;
        }
        if (identity.user && !user->has_entry && !identity.group && user->uid != self.uid) {
            fail("user",
                 {"user id " + *identity.user + " has no entry that names a group", "add `group`"});
        }
        if (self.uid != 0 && user->uid != self.uid) fail("user", needs_root);
    }
    if (identity.group) {
        const auto group = users.group(*identity.group);
        if (!group) {
            fail("group", group.error());
        } else {
            if (self.uid != 0 && *group != self.gid) fail("group", needs_root);
            result.gid = *group;
        }
    }
    if (identity.supplementary_groups) {
        if (self.uid != 0) fail("supplementary_groups", needs_root);
        for (const std::string& name : *identity.supplementary_groups) {
            const auto group = users.group(name);
            if (group) {
                result.supplementary_groups.push_back(*group);
            } else {
                fail("supplementary_groups", group.error());
            }
        }
        std::sort(result.supplementary_groups.begin(), result.supplementary_groups.end());
    } else if (identity.user && user && user->has_entry) {
        result.supplementary_groups = users.groups_of(user->name, result.gid);
    }
    return result;
}

}  // namespace reeve::config
