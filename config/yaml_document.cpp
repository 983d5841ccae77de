#include "config/yaml_document.h"

namespace reeve::config::yaml {

Kind Value::kind() const { return document_->nodes_[node_].kind; }

std::string_view Value::kind_words() const {
    switch (kind()) {
        case Kind::Null:
            return "nothing";
        case Kind::Scalar:
            return "a string";
        case Kind::Sequence:
            return "a list";
        case Kind::Map:
            return "a map";
    }
    return {};
}

const std::string& Value::file() const { return document_->file_; }
int Value::line() const { return static_cast<int>(document_->nodes_[node_].line); }
int Value::column() const { return static_cast<int>(document_->nodes_[node_].column); }
bool Value::quoted() const { return document_->nodes_[node_].quoted; }

std::string_view Value::text() const {
    const Document::Node& node = document_->nodes_[node_];
    if (node.kind != Kind::Scalar) return {};
    return std::string_view(document_->text_).substr(node.begin, node.count);
}

std::size_t Value::size() const {
    const Document::Node& node = document_->nodes_[node_];
    if (node.kind == Kind::Sequence) return node.count;
    return node.kind == Kind::Map ? node.count / 2 : 0;
}

Value Value::item(std::size_t i) const {
    return {document_, document_->children_[document_->nodes_[node_].begin + i]};
}
Value Value::key(std::size_t i) const { return item(2 * i); }
Value Value::value(std::size_t i) const { return item(2 * i + 1); }

Value Value::find(std::string_view wanted) const {
    if (document_ == nullptr || kind() != Kind::Map) return {};
    for (std::size_t i = 0; i < size(); ++i) {
        if (key(i).text() == wanted) return value(i);
    }
    return {};
}

Value Document::root() const { return {this, root_}; }

}  // namespace reeve::config::yaml
