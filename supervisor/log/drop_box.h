#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "supervisor/log/bell.h"

namespace reeve::log {

/// Brings values from any thread to one other, in order, without a lock, so that neither side waits
/// for the other, whatever holds that up. The receiver polls fd().
template <typename T>
class DropBox {
  public:
    DropBox() = default;
    ~DropBox() { take(); }
    DropBox(const DropBox&) = delete;
    DropBox& operator=(const DropBox&) = delete;

    /// -1 when no descriptor was to be had; nothing is ever heard then.
    int fd() const { return bell_.fd(); }

    void put(T value) {
        auto node = std::make_unique<Node>(Node{std::move(value), nullptr});
        Node* older = newest_.load();
        do {
            node->older = older;
        } while (!newest_.compare_exchange_weak(older, node.get()));
        // From here on it is the receiver's. The first one rings for all.
        [[maybe_unused]] const Node* given = node.release();
        if (older == nullptr) ring();
    }

    /// Rings without a value, for a receiver that looks at something else as well.
    void ring() { bell_.ring(); }

    std::vector<T> take() {
        (void)bell_.heard();
        std::vector<T> values;
        std::unique_ptr<Node> node(newest_.exchange(nullptr));
        while (node) {
            values.push_back(std::move(node->value));
            node.reset(node->older);
        }
        std::reverse(values.begin(), values.end());
        return values;
    }

  private:
    struct Node {
        T value;
        Node* older;
    };

    Bell bell_;
    std::atomic<Node*> newest_{nullptr};
};

}  // namespace reeve::log
