#pragma once

#include <span>
#include <string_view>

#include "ctl/exit.h"
#include "ctl/options.h"

namespace reeve::ctl {

struct Task;

/// What the words behind a verb are.
enum class Operands {
    None,
    Paths,
    MaybePath,
    OneName,
    Names,     ///< at least one, or --all
    AnyNames,  ///< none: all
};

/// One verb: a row of the table, which is all that the command line and --help know of it.
struct VerbInfo {
    std::string_view name;
    std::string_view group = {};    ///< the title below which the program's --help has it
    std::string_view summary = {};  ///< one line
    Operands operands = Operands::None;
    OptionSet options = {};        ///< besides those of every verb, and --all, which Names bring
    Exit (*run)(Task&) = nullptr;  ///< nothing: the contract knows it, this version does not
    std::string_view more = {};    ///< the end of its own --help, in whole lines

    bool takes(Option option) const;
};

/// Every verb of the contract, in the order in which --help shows them.
std::span<const VerbInfo> verbs();

/// The verb of that name; nothing if there is none.
const VerbInfo* find_verb(std::string_view name);

}  // namespace reeve::ctl
