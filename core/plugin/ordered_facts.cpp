#include "core/plugin/ordered_facts.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace synfate {

namespace {

/// Rows of one table, in their order. Many are kept as a snapshot keeps them: a cell of a row that
/// is handed over takes four times as much.
class KeptRows {
public:
  explicit KeptRows(const TableSpec& table) : table_(&table) {}

  bool of(const TableSpec& table) const { return table_ == &table; }

  void add(std::vector<Cell>&& cells) {
    constexpr std::size_t few = 32; // worth no table of their own
    if (first_.size() < few)
      return first_.push_back(std::move(cells));
    if (!others_)
      others_.emplace(*table_);
    others_->add(std::move(cells));
  }

  void pass_on(FactSink& sink) {
    for (auto& cells : first_)
      sink.add_row(*table_, std::move(cells));
    for (std::size_t row = 0; others_ && row < others_->size(); ++row)
      sink.add_row(*table_, others_->row(row));
  }

private:
  const TableSpec* table_;
  std::vector<std::vector<Cell>> first_;
  std::optional<Table> others_;
};

} // namespace

/// What one part wrote before its turn.
class OrderedFacts::Part final : public FactSink {
public:
  Part(OrderedFacts& whole, std::size_t at) : whole_(whole), at_(at) {}

  void add_row(const TableSpec& table, std::vector<Cell>&& cells) override {
    if (!has_turn()) {
      if (rows_.empty() || !rows_.back().of(table))
        rows_.emplace_back(table);
      return rows_.back().add(std::move(cells));
    }
    pass_on();
    whole_.sink_.add_row(table, std::move(cells));
  }

  void add_gap(const Gap& gap) override {
    if (!has_turn()) {
      gaps_.push_back(gap);
      return;
    }
    pass_on();
    whole_.sink_.add_gap(gap);
  }

  bool has_gap(std::string_view id) const override {
    return std::ranges::find(gaps_, id, &Gap::id) != gaps_.end() ||
           (has_turn() && whole_.sink_.has_gap(id));
  }

  void answered(const Request& request, const std::vector<std::string>& gaps) override {
    pass_on();
    whole_.sink_.answered(request, gaps);
  }

  /// Only at its turn.
  void pass_on() {
    for (auto& rows : std::exchange(rows_, {}))
      rows.pass_on(whole_.sink_);
    for (const auto& gap : std::exchange(gaps_, {}))
      whole_.sink_.add_gap(gap);
  }

  bool written_ = false; ///< guarded by the whole's mutex

private:
  bool has_turn() const { return whole_.turn_.load(std::memory_order_acquire) == at_; }

  OrderedFacts& whole_;
  std::size_t at_;
  std::vector<KeptRows> rows_;
  std::vector<Gap> gaps_;
};

OrderedFacts::OrderedFacts(FactSink& sink, std::size_t parts,
                           std::function<void(std::size_t)> conclude)
    : sink_(sink), conclude_(std::move(conclude)) {
  for (std::size_t at = 0; at < parts; ++at)
    parts_.push_back(std::make_unique<Part>(*this, at));
}

OrderedFacts::~OrderedFacts() = default;

FactSink& OrderedFacts::part(std::size_t at) {
  return *parts_[at];
}

void OrderedFacts::written(std::size_t at) {
  const std::lock_guard lock(mutex_);
  parts_[at]->written_ = true;
  for (std::size_t turn = turn_; turn < parts_.size() && parts_[turn]->written_; ++turn) {
    parts_[turn]->pass_on();
    conclude_(turn);
    turn_.store(turn + 1, std::memory_order_release);
  }
}

} // namespace synfate
