#include "ctl/protocol/json_text.h"

#include <boost/json/error.hpp>
#include <boost/json/parser.hpp>

namespace reeve::protocol {

namespace json = boost::json;

Result<json::value> parse_json(std::string_view line, std::size_t max_depth) {
    json::parse_options options;
    options.max_depth = max_depth;
    json::parser parser({}, options);
    json::error_code failed;
    const std::size_t read = parser.write_some({line.data(), line.size()}, failed);
    const std::string where = " at byte " + std::to_string(read + 1);
    if (failed == json::error::too_deep) {
        return error("nested more than " + std::to_string(max_depth) + " deep");
    }
    if (failed == json::error::incomplete) return error("the JSON text ends too soon");
    if (failed) return error("no JSON" + where + ": " + failed.message());
    if (read < line.size()) return error("more than one JSON text on a line" + where);
    return parser.release();
}

}  // namespace reeve::protocol
