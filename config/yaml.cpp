#include "config/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cstdio>
#include <istream>
#include <optional>
#include <streambuf>

#include "config/utf8.h"
#include "config/yaml_text.h"

namespace reeve::config::yaml {

namespace {

/// Lets the parsing library read from memory without a copy.
class ViewBuffer : public std::streambuf {
  public:
    explicit ViewBuffer(std::string_view text) {
        char* begin = const_cast<char*>(text.data());  // a get area is never written to
        setg(begin, begin, begin + text.size());
    }
};

/// Thrown through the parsing library to end a parse that cannot go on.
struct Abandoned {};

/// Ends the parse at the beginning of any further document.
class NoMoreDocuments : public YAML::EventHandler {
  public:
    std::optional<YAML::Mark> found;

    void OnDocumentStart(const YAML::Mark& mark) override {
        found = mark;
        throw Abandoned{};
    }
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
    void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
    void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  const std::string&) override {}
    void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                         YAML::EmitterStyle::value) override {}
    void OnSequenceEnd() override {}
    void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                    YAML::EmitterStyle::value) override {}
    void OnMapEnd() override {}
};

}  // namespace

/// Makes a Document of the parsing library's events, and refuses what the library lets pass.
class Builder : public YAML::EventHandler {
  public:
    Builder(Document& document, std::string_view text, std::vector<Problem>& problems)
        : document_(document), columns_(text), problems_(problems) {}

    /// Where the last string of the document begins; the library takes the end of the file for its
    /// closing quote.
    const YAML::Mark& last_scalar() const { return last_scalar_; }

    void complain(const YAML::Mark& mark, std::string what, std::string what_to_do) {
        const Place place = place_of(mark);
        complain(place.line, place.column, path(), std::move(what), std::move(what_to_do));
    }

    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        Place place = place_of(mark);
        // The library sets a missing value where the next thing begins: show its key instead.
        if (const Document::Node* key = pending_key()) place = {key->line, key->column};
        const std::uint32_t node = add_node(Kind::Null, place);
        remember(anchor, node);
        append(node, 1, 0);
    }

    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& text) override {
        last_scalar_ = mark;
        const std::uint32_t node = add_node(Kind::Scalar, place_of(mark));
        Document::Node& scalar = document_.nodes_[node];
        scalar.begin = static_cast<std::uint32_t>(document_.text_.size());
        scalar.count = static_cast<std::uint32_t>(text.size());
        scalar.quoted = tag == "!" || tag == "tag:yaml.org,2002:str";
        document_.text_ += text;
        if (!scalar.quoted && tag != "?" && tag != "tag:yaml.org,2002:int" &&
            tag != "tag:yaml.org,2002:float" && tag != "tag:yaml.org,2002:bool") {
            refuse_tag(mark, tag);
        }
        if (text.find('\0') != std::string::npos) {
            complain(mark, "contains a NUL byte", "remove it");
        }
        remember(anchor, node);
        append(node, 1, 0);
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        const Anchor& target = anchors_.at(anchor);
        if (!target.complete) abandon(mark, "an alias inside what it stands for", "remove it");
        aliased_ += target.size;
        if (aliased_ > kMostAliasedNodes) {
            abandon(mark, "aliases make this file too large",
                    "write out less by aliases; they may add 100,000 values at most");
        }
        if (static_cast<int>(frames_.size()) + target.height > kDeepestNesting) {
            abandon(mark, "nested too deeply", "nest at most 64 lists and maps");
        }
        append(target.node, target.size, target.height);
    }

    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        if (tag != "?" && tag != "!" && tag != "tag:yaml.org,2002:seq") refuse_tag(mark, tag);
        open(Kind::Sequence, mark, anchor);
    }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        if (tag != "?" && tag != "!" && tag != "tag:yaml.org,2002:map") refuse_tag(mark, tag);
        open(Kind::Map, mark, anchor);
    }
    void OnSequenceEnd() override { close(); }
    void OnMapEnd() override {
        drop_keys_that_are_none();
        drop_duplicate_keys();
        close();
    }

  private:
    struct Place {
        std::uint32_t line;
        std::uint32_t column;
    };
    /// A list or map that is still being read. Its children are the last ones of pending_.
    struct Frame {
        std::uint32_t node;
        std::size_t first_child;
        YAML::anchor_t anchor;
        std::size_t size = 1;  ///< with everything below, aliases written out
        int height = 1;
    };
    struct Anchor {
        std::uint32_t node = 0;
        std::size_t size = 1;
        int height = 0;
        bool complete = false;
    };

    Place place_of(const YAML::Mark& mark) {
        const int line = std::max(mark.line, 0);
        return {static_cast<std::uint32_t>(line + 1),
                static_cast<std::uint32_t>(columns_.character(line, std::max(mark.column, 0)) + 1)};
    }

    void complain(std::uint32_t line, std::uint32_t column, std::string where, std::string what,
                  std::string what_to_do) {
        problems_.push_back({Severity::Error,
                             {document_.file_, static_cast<int>(line), static_cast<int>(column)},
                             std::move(where),
                             std::move(what),
                             std::move(what_to_do)});
    }
    [[noreturn]] void abandon(const YAML::Mark& mark, std::string what, std::string what_to_do) {
        complain(mark, std::move(what), std::move(what_to_do));
        throw Abandoned{};
    }
    void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
        complain(mark, "unknown or unfitting tag " + quote(tag), "remove the tag");
    }

    std::string_view text_of(const Document::Node& node) const {
        return std::string_view(document_.text_).substr(node.begin, node.count);
    }
    std::size_t children_of(std::size_t depth) const {
        const std::size_t end =
            depth + 1 < frames_.size() ? frames_[depth + 1].first_child : pending_.size();
        return end - frames_[depth].first_child;
    }
    /// The key whose value comes next, if it is a map's value that comes next.
    const Document::Node* pending_key() const {
        if (frames_.empty() || document_.nodes_[frames_.back().node].kind != Kind::Map ||
            children_of(frames_.size() - 1) % 2 == 0) {
            return nullptr;
        }
        return &document_.nodes_[pending_.back()];
    }

    /// The keys that lead to where the parse is, such as "services.web.requires[2]".
    std::string path() const {
        std::string out;
        for (std::size_t depth = 0; depth < frames_.size(); ++depth) {
            const std::size_t count = children_of(depth);
            if (document_.nodes_[frames_[depth].node].kind == Kind::Sequence) {
                out += '[' + std::to_string(count) + ']';
            } else if (count % 2 == 1) {
                const auto& key =
                    document_.nodes_[pending_[frames_[depth].first_child + count - 1]];
                if (!out.empty()) out += '.';
                out += text_of(key);
            }
        }
        return out;
    }

    std::uint32_t add_node(Kind kind, Place place) {
        Document::Node node;
        node.kind = kind;
        node.line = place.line;
        node.column = place.column;
        document_.nodes_.push_back(node);
        return static_cast<std::uint32_t>(document_.nodes_.size() - 1);
    }
    void remember(YAML::anchor_t anchor, std::uint32_t node) {
        if (anchor == 0) return;
        if (anchors_.size() <= anchor) anchors_.resize(anchor + 1);
        const bool leaf = document_.nodes_[node].kind < Kind::Sequence;
        anchors_[anchor] = {node, 1, 0, leaf};
    }
    void append(std::uint32_t node, std::size_t size, int height) {
        if (frames_.empty()) {
            document_.root_ = node;
            return;
        }
        pending_.push_back(node);
        frames_.back().size += size;
        frames_.back().height = std::max(frames_.back().height, height + 1);
    }

    void open(Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
        if (static_cast<int>(frames_.size()) >= kDeepestNesting) {
            abandon(mark, "nested too deeply", "nest at most 64 lists and maps");
        }
        const std::uint32_t node = add_node(kind, place_of(mark));
        remember(anchor, node);
        frames_.push_back({node, pending_.size(), anchor});
    }
    void close() {
        const Frame frame = frames_.back();
        frames_.pop_back();
        Document::Node& node = document_.nodes_[frame.node];
        node.begin = static_cast<std::uint32_t>(document_.children_.size());
        node.count = static_cast<std::uint32_t>(pending_.size() - frame.first_child);
        const auto first = pending_.begin() + static_cast<std::ptrdiff_t>(frame.first_child);
        document_.children_.insert(document_.children_.end(), first, pending_.end());
        pending_.erase(first, pending_.end());
        if (frame.anchor != 0) {
            anchors_[frame.anchor] = {frame.node, frame.size, frame.height, true};
        }
        append(frame.node, frame.size, frame.height);
    }

    void drop_keys_that_are_none() {
        const std::size_t first = frames_.back().first_child;
        std::size_t kept = first;
        std::string above;
        for (std::size_t i = first; i + 1 < pending_.size(); i += 2) {
            const Document::Node& key = document_.nodes_[pending_[i]];
            if (key.kind == Kind::Scalar) {
                pending_[kept++] = pending_[i];
                pending_[kept++] = pending_[i + 1];
                continue;
            }
            if (kept == i) above = parent_path();
            complain(key.line, key.column, above, "a key that is not a string",
                     "write a string before the colon");
        }
        pending_.resize(kept);
    }
    /// Of a name that stands twice, the first stays, so that later steps meet each name once.
    void drop_duplicate_keys() {
        const std::size_t first = frames_.back().first_child;
        std::vector<std::size_t> order;
        for (std::size_t i = first; i < pending_.size(); i += 2) order.push_back(i);
        const auto key = [&](std::size_t i) -> const Document::Node& {
            return document_.nodes_[pending_[i]];
        };
        std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
            return text_of(key(a)) < text_of(key(b));
        });
        std::vector<std::size_t> again;
        std::string above;
        for (std::size_t i = 0, original = 0; i + 1 < order.size(); ++i) {
            if (text_of(key(order[i])) != text_of(key(order[i + 1]))) {
                original = i + 1;
                continue;
            }
            const Document::Node& there = key(order[original]);
            const Document::Node& here = key(order[i + 1]);
            if (again.empty()) above = parent_path();
            complain(here.line, here.column,
                     above + (above.empty() ? "" : ".") + std::string(text_of(here)),
                     "duplicate key, already at " + std::to_string(there.line) + ":" +
                         std::to_string(there.column),
                     "remove one of them");
            again.push_back(order[i + 1]);
        }
        std::sort(again.rbegin(), again.rend());
        if (again.empty()) return;
        std::size_t kept = first;
        for (std::size_t i = first; i < pending_.size(); i += 2) {
            if (!again.empty() && again.back() == i) {
                again.pop_back();
                continue;
            }
            pending_[kept++] = pending_[i];
            pending_[kept++] = pending_[i + 1];
        }
        pending_.resize(kept);
    }
    /// The path of the map that ends here.
    std::string parent_path() {
        const Frame frame = frames_.back();
        frames_.pop_back();
        // Its children still wait behind the parent's own; path() must not count them.
        std::vector<std::uint32_t> children(
            pending_.begin() + static_cast<std::ptrdiff_t>(frame.first_child), pending_.end());
        pending_.resize(frame.first_child);
        std::string out = path();
        pending_.insert(pending_.end(), children.begin(), children.end());
        frames_.push_back(frame);
        return out;
    }

    Document& document_;
    CharacterColumns columns_;
    std::vector<Problem>& problems_;
    std::vector<Frame> frames_;
    std::vector<std::uint32_t> pending_;
    std::vector<Anchor> anchors_;
    std::size_t aliased_ = 0;
    YAML::Mark last_scalar_;
};

std::unique_ptr<const Document> parse(std::string_view text, std::string file,
                                      std::vector<Problem>& problems) {
    auto document = std::make_unique<Document>(std::move(file));
    const auto refuse = [&](int line, int column, std::string what, std::string what_to_do) {
        problems.push_back({Severity::Error,
                            {document->file(), line, column},
                            {},
                            std::move(what),
                            std::move(what_to_do)});
        return nullptr;
    };
    if (text.size() > kLargestFile) return refuse(1, 1, "larger than 4 MiB", "split the file");
    if (const auto bad = find_bad_text(text)) {
        return refuse(bad->line, bad->column, bad->what, "write the file as UTF-8 text");
    }

    Builder builder(*document, text, problems);
    NoMoreDocuments no_more;
    try {
        ViewBuffer buffer(text);
        std::istream stream(&buffer);
        YAML::Parser parser(stream);
        if (!parser.HandleNextDocument(builder)) builder.OnNull(YAML::Mark(), 0);
        const YAML::Mark last = builder.last_scalar();
        const std::size_t mark = text.starts_with("\xef\xbb\xbf") ? 3 : 0;
        if (is_left_open(text.substr(mark + static_cast<std::size_t>(last.pos)))) {
            builder.complain(last, "not valid YAML: a quote that is not closed", "close it");
        }
        parser.HandleNextDocument(no_more);
    } catch (const YAML::Exception& e) {
        builder.complain(e.mark, "not valid YAML: " + e.msg, advice_on_line(text, e.mark.line));
        return nullptr;
    } catch (const Abandoned&) {
        if (!no_more.found) return nullptr;
        builder.complain(*no_more.found, "another document begins after the end of the first",
                         "keep one document in a file");
    }
    return document;
}

}  // namespace reeve::config::yaml
