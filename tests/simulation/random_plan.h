#pragma once

#include "config/plan.h"
#include "tests/simulation/dice.h"

namespace reeve::simulation {

/// A plan of a few services with all kinds of edges, types and policies.
config::PlanPtr random_plan(Dice& dice);

/// Another one that somebody may have made of it by editing: some services changed, gone or new.
config::PlanPtr edited(const config::Plan& plan, Dice& dice);

}  // namespace reeve::simulation
