#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/problem.h"

/// What yaml.h makes of a file.
namespace reeve::config::yaml {

enum class Kind : std::uint8_t { Null, Scalar, Sequence, Map };

class Document;

/// One node of a Document, which must outlive it: two words, to be passed by value. A
/// default-constructed one is no node at all.
class Value {
  public:
    Value() = default;

    explicit operator bool() const { return document_ != nullptr; }
    Kind kind() const;
    /// "a string", "a list", "a map" or "nothing", for messages.
    std::string_view kind_words() const;
    const std::string& file() const;
    int line() const;
    int column() const;
    SourcePosition position() const { return {file(), line(), column()}; }

    /// Of a scalar: its text, and whether quotes or !!str say that it is a string.
    std::string_view text() const;
    bool quoted() const;

    /// Of a sequence the number of items, of a map the number of keys, else 0.
    std::size_t size() const;
    Value item(std::size_t i) const;
    Value key(std::size_t i) const;
    Value value(std::size_t i) const;
    /// The value of a map's key; none where there is no such key or no map.
    Value find(std::string_view key) const;

  private:
    friend class Document;
    Value(const Document* document, std::uint32_t node) : document_(document), node_(node) {}

    const Document* document_ = nullptr;
    std::uint32_t node_ = 0;
};

/// The tree of one file, in four flat arrays. Immutable once parsed; aliases share their subtree.
class Document {
  public:
    explicit Document(std::string file) : file_(std::move(file)) {}
    Document(const Document&) = delete;
    Document& operator=(const Document&) = delete;

    Value root() const;
    const std::string& file() const { return file_; }

  private:
    friend class Value;
    friend class Builder;
    struct Node {
        std::uint32_t begin = 0;  ///< in text_ or children_
        std::uint32_t count = 0;  ///< bytes, items, or keys and values together
        std::uint32_t line = 0;
        std::uint32_t column = 0;
        Kind kind = Kind::Null;
        bool quoted = false;
    };

    std::string file_;
    std::string text_;
    std::vector<Node> nodes_;
    std::vector<std::uint32_t> children_;
    std::uint32_t root_ = 0;
};

}  // namespace reeve::config::yaml
