#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/result.h"
#include "config/plan.h"
#include "supervisor/state/codec.h"
#include "supervisor/state/store.h"

namespace reeve::state {

Definition written_definition(const config::Service& service);

/// The service that a definition makes, by itself: whom it names need not be there. Looks up users.
Result<config::ServicePtr> service_of(const Definition& definition);

/// The supervisor's own settings, as they are written down and read again, which looks up groups.
std::string written_settings(const config::Supervisor& supervisor);
Result<config::Supervisor> settings_of(const std::string& text);

/// Under which numbers definitions are written down. Those that say the same share one.
class Definitions {
  public:
    /// The number of a service's definition, which joins the changes if it is new.
    std::uint64_t number_of(const config::ServicePtr& service, const Store* store,
                            Changes& changes);
    /// That one is written down already.
    void know(std::uint64_t number, const config::ServicePtr& service, const std::string& text);
    /// Lets go of those that nobody has any more.
    void erase_unused(Changes& changes);

  private:
    struct Known {
        std::weak_ptr<const config::Service> service;
        std::uint64_t number = 0;
    };
    std::unordered_map<const config::Service*, Known> known_;
    std::unordered_map<std::uint64_t, std::size_t> hashes_;  // of the text of each number
    std::unordered_map<std::size_t, std::uint64_t> by_hash_;
    std::uint64_t last_ = 0;
};

}  // namespace reeve::state
