#pragma once

namespace reeve::os {

/// What a holder and its owner tell each other: packets of up to max_holder_records of these, in
/// whose ancillary data the descriptors of the `Keep` records follow in the same order.
struct HolderRecord {
    enum Operation : unsigned {
        Welcome,  ///< from the holder: whoever has connected is the owner now
        Keep,     ///< from the owner, with a descriptor; from the holder: it is held
        Drop,
        Give,  ///< all that is held is sent, with EndOfList in the last packet, alone
        EndOfList,
        End,
    };
    unsigned operation;
    unsigned kind;
    unsigned long id;
};

/// Fewer than the descriptors that one packet can have, which are 253.
constexpr unsigned max_holder_records = 200;

}  // namespace reeve::os
