#include "platform/linux/xtables/blob.h"

#include <algorithm>

namespace synfate::xt {
namespace {

Error damaged(std::string detail) {
  return {ErrorCode::damaged, "decoding a table of iptables", {}, 0, std::move(detail), {}};
}

/// The name an ERROR entry carries; nothing for any other entry.
std::optional<std::string_view> error_name(ByteView entry, const EntryFrame& frame) {
  const ByteView target =
      entry.subspan(frame.target_offset, frame.next_offset - frame.target_offset);
  const auto head = load<wire::ExtensionHead>(target);
  if (!head || text_of(head->name) != "ERROR")
    return std::nullopt;
  const ByteView name = target.subspan(sizeof(wire::ExtensionHead));
  const std::string_view text(reinterpret_cast<const char*>(name.data()),
                              std::min<std::size_t>(name.size(), 30));
  return text.substr(0, text.find('\0'));
}

/// Walks the entries and gives each its chain and number.
class Indexer {
public:
  Indexer(const wire::TableInfo& info, BlobIndex& index) : info_(info), index_(index) {}

  void see(std::uint32_t offset, ByteView entry, const EntryFrame& frame) {
    if (const auto name = error_name(entry, frame)) {
      close();
      begin(*name);
      index_.places.push_back({offset, chain(), 0, PlaceKind::chain_head});
      user_ = true;
      return;
    }
    for (unsigned hook = 0; hook < hook_names.size(); ++hook)
      if ((info_.valid_hooks >> hook & 1U) != 0 && info_.hook_entry[hook] == offset) {
        close();
        begin(hook_names[hook]);
        user_ = false;
      }
    if (index_.chains.empty())
      begin("");
    index_.places.push_back({offset, chain(), ++number_, kind_of(offset)});
  }

  /// The last entry of a user chain is the RETURN nobody wrote.
  void close() {
    if (user_ && !index_.places.empty() && index_.places.back().kind == PlaceKind::rule)
      index_.places.back().kind = PlaceKind::chain_end;
  }

private:
  void begin(std::string_view name) {
    index_.chains.push_back(name);
    number_ = 0;
  }
  std::uint32_t chain() const { return static_cast<std::uint32_t>(index_.chains.size() - 1); }
  PlaceKind kind_of(std::uint32_t offset) const {
    for (unsigned hook = 0; hook < hook_names.size(); ++hook)
      if ((info_.valid_hooks >> hook & 1U) != 0 && info_.underflow[hook] == offset)
        return PlaceKind::policy;
    return PlaceKind::rule;
  }

  const wire::TableInfo& info_;
  BlobIndex& index_;
  std::uint32_t number_ = 0;
  bool user_ = false;
};

std::string_view policy_name(StandardVerdict verdict) {
  switch (verdict) {
  case StandardVerdict::accept:
    return "accept";
  case StandardVerdict::drop:
    return "drop";
  case StandardVerdict::queue:
    return "queue";
  case StandardVerdict::returns:
  case StandardVerdict::jump:
  case StandardVerdict::error:
  case StandardVerdict::other:
    return "";
  }
  return "";
}

/// The chain a jump leads to: its first entry comes right behind its head.
std::string_view jump_name(const BlobIndex& index, const Verdict& verdict, std::uint32_t next) {
  if (verdict.kind != StandardVerdict::jump || verdict.offset == next)
    return {};
  const Place* to = index.find(verdict.offset);
  return to == nullptr ? std::string_view("?") : index.chains[to->chain];
}

XtPolicy policy_row(const XtTable& table, std::string_view chain, const Entry& entry) {
  XtPolicy row;
  row.netns = table.netns;
  row.family = table.family;
  row.table = table.name;
  row.chain = Text(chain);
  row.policy = Text(policy_name(verdict_of(entry.target).kind));
  row.packets = static_cast<Int>(entry.packets);
  row.bytes = static_cast<Int>(entry.bytes);
  return row;
}

XtRule rule_row(const XtTable& table, const Place& place, const BlobIndex& index,
                const Entry& entry, ByteView bytes, const TextNames& names) {
  XtRule row;
  row.netns = table.netns;
  row.family = table.family;
  row.table = table.name;
  row.chain = Text(index.chains[place.chain]);
  row.number = Int{place.number};
  row.offset = Int{place.offset};
  const auto jump = jump_name(index, verdict_of(entry.target),
                              place.offset + static_cast<std::uint32_t>(bytes.size()));
  if (!jump.empty())
    row.jump = Text(jump);
  row.text = rule_text(entry, jump, names);
  row.packets = static_cast<Int>(entry.packets);
  row.bytes = static_cast<Int>(entry.bytes);
  row.entry = Bytes{{reinterpret_cast<const char*>(bytes.data()), bytes.size()}};
  return row;
}

} // namespace

const Place* BlobIndex::find(std::uint32_t offset) const {
  const auto found = std::ranges::lower_bound(places, offset, {}, &Place::offset);
  return found != places.end() && found->offset == offset ? &*found : nullptr;
}

Result<Blob> Blob::decode(ByteView info, ByteView entries, IpFamily family) {
  const auto head = load<wire::TableInfo>(info);
  if (!head)
    return damaged("too few bytes of struct ipt_getinfo");
  if (head->size != entries.size())
    return damaged("the entries are not as long as the table says");
  for (unsigned hook = 0; hook < hook_names.size(); ++hook)
    if ((head->valid_hooks >> hook & 1U) != 0 &&
        (head->hook_entry[hook] >= entries.size() || head->underflow[hook] >= entries.size()))
      return damaged("a chain begins or ends outside the table");
  Blob blob;
  blob.info_ = *head;
  blob.entries_ = entries;
  blob.family_ = family;
  return blob;
}

ByteView Blob::at(std::uint32_t offset) const {
  return offset < entries_.size() ? entries_.subspan(offset) : ByteView();
}

BlobIndex Blob::index() const {
  BlobIndex index;
  index.places.reserve(info_.num_entries < entries_.size() / 112 + 1 ? info_.num_entries : 0);
  Indexer indexer(info_, index);
  for (std::uint32_t offset = 0; offset < entries_.size();) {
    const auto frame = frame_of(at(offset), family_);
    if (!frame)
      break;
    indexer.see(offset, at(offset), *frame);
    offset += frame->next_offset;
  }
  indexer.close();
  return index;
}

BlobRows rows_of(const Blob& blob, const XtTable& table, const TextNames& names,
                 const RowFilter& filter) {
  const BlobIndex index = blob.index();
  BlobRows rows;
  for (const auto& place : index.places) {
    const bool wanted = (filter.chain.empty() || index.chains[place.chain] == filter.chain) &&
                        (filter.number == 0 || place.number == filter.number);
    if (!wanted || place.kind == PlaceKind::chain_head || place.kind == PlaceKind::chain_end)
      continue;
    const ByteView rest = blob.at(place.offset);
    const auto entry = decode_entry(rest, blob.family());
    const auto frame = frame_of(rest, blob.family());
    if (!entry || !frame)
      continue; // frame_of() accepted it for the index, so only its extensions are damaged
    if (place.kind == PlaceKind::policy)
      rows.policies.push_back(policy_row(table, index.chains[place.chain], *entry));
    else
      rows.rules.push_back(
          rule_row(table, place, index, *entry, rest.first(frame->next_offset), names));
  }
  return rows;
}

} // namespace synfate::xt
