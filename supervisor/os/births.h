#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "supervisor/os/birth.h"

/// Who was born last, written down by the children themselves: the parent may be killed before it
/// knows of them.
namespace reeve::os {

/// A file that children share with their parent and with whoever comes after it; of one boot.
class Births {
  public:
    /// `file` is in a folder that nobody else can write to. If it is empty, or where there can be
    /// no such file, only we know. What stands in it stays, if it is of this boot.
    explicit Births(const std::string& file);
    ~Births();
    Births(const Births&) = delete;
    Births& operator=(const Births&) = delete;

    /// Where the children of a tree are to write; to be asked right before they are born. The
    /// places of the last 48 trees are kept. Null: nowhere.
    struct Places {
        Birth* keeper = nullptr;
        Birth* main = nullptr;
    };
    Places expect(std::uint64_t tree);

    /// Who was born in that tree, if it is among those.
    struct Born {
        pid_t pid = 0;                 ///< 0: nobody, as far as can be seen
        std::uint64_t start_time = 0;  ///< as in ProcessEntry; 0: it is gone
    };
    struct Found {
        Born keeper, main;
    };
    std::optional<Found> find(std::uint64_t tree) const;
    /// The highest number of a tree; 0: there is none.
    std::uint64_t highest() const;
    /// Puts the file back if somebody has deleted it; true then.
    Result<bool> restore();

  private:
    struct Page;

    void reset(const std::string& boot);

    std::string path_;
    Fd file_;  // none: only we know
    Page* page_ = nullptr;
};

}  // namespace reeve::os
