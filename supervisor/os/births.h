#pragma once

#include <sys/types.h>

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>

/// Who was born last, written down by the children themselves: the parent may be killed before it
/// knows of them.
namespace reeve::os {

/// What a child writes of itself before anything else. It is alive at that moment and has its
/// number, which cannot be said of any later one with the same number.
struct Birth {
    timespec moment;  ///< by CLOCK_BOOTTIME
    pid_t pid;        ///< written last; 0: nothing has been written
};

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

  private:
    struct Page;

    void reset(const std::string& boot);

    Page* page_ = nullptr;
};

}  // namespace reeve::os
