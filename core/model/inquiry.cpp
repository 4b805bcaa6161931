#include <algorithm>

#include <fmt/format.h>

#include "core/model/model.h"

namespace synfate {

void Inquiry::note_gap(const std::string& id) {
  incomplete_ = true;
  if (std::ranges::find(gaps_, id) == gaps_.end())
    gaps_.push_back(id);
}

void Inquiry::depend_on(std::string_view gap) {
  if (std::ranges::find(gaps_, gap) == gaps_.end())
    gaps_.emplace_back(gap);
}

void Inquiry::add_gap(const Gap& gap) {
  if (std::ranges::find(new_gaps_, gap.id, &Gap::id) == new_gaps_.end())
    new_gaps_.push_back(gap);
  depend_on(gap.id);
}

Inquiry Inquiry::part() const {
  Inquiry one(snapshot_, depth_);
  if (!pending())
    one.read_ = read_;
  return one;
}

void Inquiry::take_over(const Inquiry& part) {
  for (const auto& need : part.needs())
    needs_.add(need);
  questions_noted_ += part.questions_noted_;
  for (const auto& id : part.gaps_)
    depend_on(id);
  for (const auto& gap : part.new_gaps_)
    add_gap(gap);
  partly_seen_.insert(part.partly_seen_.begin(), part.partly_seen_.end());
  incomplete_ = part.incomplete_;
  too_much_ = too_much_ || part.too_much_;
}

/// What was asked after a need was noted may hang on it, and would be read in vain.
const Answered* Inquiry::read_now(const Request& request, bool hastily) {
  if (!read_ || pending() || snapshot_.sealed())
    return nullptr;
  read_(request, hastily);
  return snapshot_.answer(request);
}

std::vector<std::size_t> Inquiry::find(const Request& request) {
  return find(request, false);
}

std::vector<std::size_t> Inquiry::find_now(const Request& request) {
  return find(request, true);
}

std::vector<std::size_t> Inquiry::find(const Request& request, bool hastily) {
  incomplete_ = false;
  const Answered* answer = snapshot_.answer(request);
  if (answer == nullptr)
    answer = read_now(request, hastily);
  if (answer != nullptr) {
    for (const auto& gap : answer->gaps)
      note_gap(gap);
    if (incomplete_)
      partly_seen_.insert(request.table);
    return snapshot_.find(request, *answer);
  }
  if (!snapshot_.sealed()) {
    ++questions_noted_;
    needs_.add(request);
    return {};
  }
  const Gap gap{.id = "not-recorded." + request.table,
                .what = to_string(request),
                .why = "the run that wrote this snapshot did not ask for it",
                .effect = "this part of the answer cannot be told from the snapshot",
                .remedy = "take a full snapshot on the host: synfate snapshot -o FILE"};
  if (std::ranges::find(gaps_, gap.id) == gaps_.end())
    new_gaps_.push_back(gap);
  note_gap(gap.id);
  partly_seen_.insert(request.table);
  return snapshot_.find(request);
}

std::vector<std::size_t> Inquiry::find_within(Request request, Int limit) {
  if (!at_a_glance() || snapshot_.answer(request) != nullptr)
    return find(request);
  request.keys.push_back({std::string(limit_key), limit});
  auto rows = find(request);
  if (incomplete())
    give_up();
  return rows;
}

} // namespace synfate
