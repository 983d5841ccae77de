#pragma once

#include <linux/mman.h>

#include "supervisor/os/bare.h"

namespace reeve::os::bare {

struct Key {
    unsigned kind;
    unsigned long id;
    bool operator==(const Key&) const = default;
};

/// Which descriptors are held as what: a slot for each number, and an index of the keys with open
/// addressing, where 0 is empty. Both grow, in memory of their own, and never shrink.
class Table {
  public:
    /// The key under which a descriptor is held; null: it is not.
    const Key* key_of(int fd) const { return slots_[fd].held ? &slots_[fd].key : nullptr; }
    /// All held ones are smaller.
    int end() const { return static_cast<int>(slot_count_); }

    /// Closes the one that was held under the key; if there is no memory, the new one as well.
    void keep(const Key& key, int fd) {
        drop(key);
        if (!make_room(static_cast<unsigned>(fd))) {
            system_call(__NR_close, fd);
            return;
        }
        slots_[fd] = {key, true};
        index_[place_of(key)] = fd;
        ++held_;
    }

    void drop(const Key& key) {
        if (held_ == 0) return;
        const unsigned place = place_of(key);
        const int fd = index_[place];
        if (fd == 0) return;
        vacate(place);
        slots_[fd].held = false;
        --held_;
        system_call(__NR_close, fd);
    }

  private:
    struct Slot {
        Key key;
        bool held;
    };

    unsigned home_of(const Key& key) const {
        const unsigned long mixed = (key.id + key.kind * 0x9e3779b9UL) * 0x9e3779b97f4a7c15UL;
        return static_cast<unsigned>(mixed >> 32) & (index_size_ - 1);
    }
    unsigned after(unsigned place) const { return (place + 1) & (index_size_ - 1); }

    /// Where the key is in the index, or would have to be.
    unsigned place_of(const Key& key) const {
        unsigned place = home_of(key);
        while (index_[place] != 0 && slots_[index_[place]].key != key) place = after(place);
        return place;
    }

    /// Moves up those that could not be found any more past the gap.
    void vacate(unsigned gap) {
        for (unsigned place = after(gap); index_[place] != 0; place = after(place)) {
            const unsigned home = home_of(slots_[index_[place]].key);
            const unsigned mask = index_size_ - 1;
            if (((place - home) & mask) < ((place - gap) & mask)) continue;
            index_[gap] = index_[place];
            gap = place;
        }
        index_[gap] = 0;
    }

    bool make_room(unsigned fd) {
        if (fd >= slot_count_) {
            unsigned count = slot_count_ == 0 ? 128 : slot_count_;
            while (count <= fd) count *= 2;
            void* const moved = resized(slots_, slot_count_ * sizeof(Slot), count * sizeof(Slot));
            if (moved == nullptr) return false;
            slots_ = static_cast<Slot*>(moved);
            slot_count_ = count;
        }
        // At most half of it is used, so that what is sought is near.
        return (held_ + 1) * 2 <= index_size_ || enlarge_index();
    }

    bool enlarge_index() {
        const unsigned size = index_size_ == 0 ? 512 : index_size_ * 2;
        void* const memory = resized(nullptr, 0, size * sizeof(int));
        if (memory == nullptr) return false;
        if (index_ != nullptr) {
            system_call(__NR_munmap, address(index_), static_cast<long>(index_size_ * sizeof(int)));
        }
        index_ = static_cast<int*>(memory);
        index_size_ = size;
        for (int fd = 0; fd < end(); ++fd) {
            if (slots_[fd].held) index_[place_of(slots_[fd].key)] = fd;
        }
        return true;
    }

    /// What is new is zero. Null: there is no memory.
    static void* resized(void* memory, unsigned long size, unsigned long new_size) {
        const long wanted = static_cast<long>(new_size);
        const long result = memory == nullptr
                                ? system_call(__NR_mmap, 0, wanted, PROT_READ | PROT_WRITE,
                                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                                : system_call(__NR_mremap, address(memory), static_cast<long>(size),
                                              wanted, MREMAP_MAYMOVE);
        constexpr long highest_errno = 4095;
        const bool failed = result < 0 && result >= -highest_errno;
        return failed ? nullptr : reinterpret_cast<void*>(result);
    }

    Slot* slots_ = nullptr;
    unsigned slot_count_ = 0;
    int* index_ = nullptr;
    unsigned index_size_ = 0;  // a power of two
    unsigned held_ = 0;
};

}  // namespace reeve::os::bare
