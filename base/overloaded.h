#pragma once

namespace reeve {

/// The lambdas of one std::visit, one for each alternative.
template <typename... Fs>
struct Overloaded : Fs... {
    using Fs::operator()...;
};
template <typename... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

}  // namespace reeve
