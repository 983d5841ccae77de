#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/draft.h"
#include "config/problem.h"

namespace reeve::config {

/// Looks users and groups up in the system's databases, each once. May block as long as they do.
class Users {
  public:
    /// A user by name or id. An id without an entry is known by its number alone.
    struct User {
        uid_t uid = 0;
        gid_t gid = 0;
        std::string name, home, shell;
        bool has_entry = false;
    };

    Parsed<User> user(const std::string& name_or_id);
    Parsed<gid_t> group(const std::string& name_or_id);
    /// What initgroups(3) would set, without the main group's double.
    std::vector<gid_t> groups_of(const std::string& user, gid_t main_group);
    /// The name of a group; empty if it has none.
    static std::string group_name(gid_t gid);
    static std::string user_name(uid_t uid);

  private:
    std::map<std::string, Parsed<User>> users_;
    std::map<std::string, Parsed<gid_t>> groups_;
    std::map<std::pair<std::string, gid_t>, std::vector<gid_t>> groups_of_;
};

/// Which of the three keys of an Identity a Misread is about.
struct IdentityMisread {
    std::string_view key;
    Misread misread;
};

/// Whose processes the services will be.
struct Caller {
    uid_t uid = 0;
    gid_t gid = 0;
};

/// Makes credentials of an identity for a supervisor that runs as `self`; nothing where the file
/// asks for none. All that is wrong with it joins `misread`.
std::optional<Credentials> resolve(const Identity& identity, Users& users, Caller self,
                                   std::vector<IdentityMisread>& misread);

}  // namespace reeve::config
