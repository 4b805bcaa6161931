// What a rule may refer to: the variables, record types and functions of its conditions.
//
//   every table by its name      socket, process, address …           lists of rows
//   target  host  flows  waivers                                      records of vocabulary.cpp
//   it      the element of for_each (or each flow that `on` accepts)
//   culprit what the rule blames, in its texts
//
// The functions are in functions.h. Tested by tests/unit/core/rules/engine_test.cpp.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/cel/environment.h"
#include "core/cel/evaluator.h"
#include "core/model/model.h"
#include "core/rules/struct_records.h"
#include "core/rules/table_records.h"

namespace synfate::rules {

/// A waiver as rules see it.
struct WaiverUse {
  std::string id;
  std::string reason;
  std::string expires;
  std::string file;
  bool expired = false;
  bool used = false;
};

/// A flow with its number.
struct NumberedFlow {
  std::size_t index = 0;
  const FlowReport* report = nullptr;
};

/// The parts of a culprit's id, as they were before id_part() wrote them.
std::vector<std::string> id_parts(std::string_view id);

const StructType<NumberedFlow>& flow_type();
const StructType<Culprit>& culprit_type();
const StructType<WaiverUse>& waiver_type();

/// The facts of one evaluation: rows, flows, and the questions that functions ask. An environment
/// that has been made for them serves the next evaluation as well.
class Facts {
public:
  Facts() = default;
  Facts(const Facts&) = delete;
  Facts& operator=(const Facts&) = delete;

  /// From here on these; they must outlive what is asked.
  void turn_to(Inquiry& inquiry, const Target& target, std::span<const FlowReport> flows);

  /// Only after turn_to(), as all that follows.
  Inquiry& inquiry() const { return *inquiry_; }
  const Snapshot& snapshot() const { return inquiry_->snapshot(); }
  const HostFacts& host() const { return snapshot().host(); }
  const std::vector<NumberedFlow>& flows() const { return flows_; }
  /// The rows of a table; the table must be in the schema.
  const cel::Ref<const cel::RecordSet>& table(std::string_view name) const;
  /// Tables, target, host and flows.
  cel::Bindings bindings() const;
  cel::Value flow(std::size_t index) const;

private:
  Inquiry* inquiry_ = nullptr;
  const Target* target_ = nullptr;
  std::vector<NumberedFlow> flows_;
  mutable std::map<std::string, cel::Ref<const cel::RecordSet>, std::less<>> tables_;
};

/// The environment that conditions are checked against, and, with facts, evaluated in. The facts
/// must outlive it.
cel::Environment make_environment(const Schema& schema, const Facts* facts = nullptr);

/// The row that a record stands for; nothing when it is no row of a table.
struct RowReference {
  const TableRecords* records = nullptr;
  std::size_t row = 0;
};
std::optional<RowReference> row_of(const cel::Value& value);
/// The flow that a record stands for.
const NumberedFlow* flow_of(const cel::Value& value);
/// The culprit that a record stands for: a culprit itself, or a row by its table's kind.
std::optional<Culprit> culprit_of(const cel::Value& value);

} // namespace synfate::rules
