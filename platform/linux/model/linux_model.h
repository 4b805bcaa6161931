// The model of Linux's inbound path; pure, so that a Linux snapshot is explained on any machine.
#pragma once

#include <memory>

#include "core/model/model.h"

namespace synfate {

/// A model for one snapshot: it keeps the rules it decoded.
std::unique_ptr<Model> make_linux_model();

/// Adds the tables that only Linux has.
Status add_linux_tables(Schema& schema);

} // namespace synfate
