#include "core/cel/value.h"

#include "core/cel/compare.h"
#include "core/cel/record.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace synfate::cel {
namespace {

class VectorList final : public List {
public:
  explicit VectorList(std::vector<Value> elements) : elements_(std::move(elements)) {
    for (const auto& element : elements_)
      weight_ = std::min(weight_ + element.weight(), most_weight);
  }
  std::size_t size() const override { return elements_.size(); }
  Value at(std::size_t index) const override { return elements_[index]; }
  std::uint64_t weight() const override { return weight_; }

private:
  std::vector<Value> elements_;
  std::uint64_t weight_ = 1;
};

class RecordList final : public List {
public:
  explicit RecordList(Ref<const RecordSet> set) : set_(std::move(set)) {}
  std::size_t size() const override { return set_->size(); }
  Value at(std::size_t index) const override {
    return Value::record(set_, static_cast<std::uint32_t>(index));
  }
  std::uint64_t weight() const override { return set_->size() + 1; }
  const RecordSet* records() const override { return set_.get(); }

private:
  Ref<const RecordSet> set_;
};

class SharedText final : public Shared {
public:
  explicit SharedText(std::string content) : text(std::move(content)) {}
  const std::string text;
};

class SharedValue final : public Shared {
public:
  explicit SharedValue(Value content) : value(std::move(content)) {}
  const Value value;
};

constexpr std::size_t small_map = 8; // up to this many entries a scan beats hashing

} // namespace

std::string_view failure_code(Failure failure) {
  switch (failure) {
  case Failure::no_such_overload:
    return "cel.eval.no_such_overload";
  case Failure::no_such_key:
    return "cel.eval.no_such_key";
  case Failure::no_such_field:
    return "cel.eval.no_such_field";
  case Failure::undeclared:
    return "cel.eval.undeclared";
  case Failure::divide_by_zero:
    return "cel.eval.divide_by_zero";
  case Failure::overflow:
    return "cel.eval.overflow";
  case Failure::range:
    return "cel.eval.range";
  case Failure::invalid_argument:
    return "cel.eval.invalid_argument";
  case Failure::duplicate_key:
    return "cel.eval.duplicate_key";
  case Failure::budget:
    return "cel.eval.budget";
  case Failure::host:
    return "cel.eval.host";
  }
  return "cel.eval";
}

void Value::own(const Shared* owner) {
  payload_.number.owner = owner;
  if (owner != nullptr)
    owner->retain();
}

Value Value::text(Kind kind, std::string_view view, const Shared* owner) {
  Value value;
  value.kind_ = kind;
  value.extra_ = static_cast<std::uint32_t>(view.size());
  value.payload_.text = {view.data(), nullptr};
  value.own(owner);
  return value;
}

Value Value::boolean(bool value) {
  return {Kind::boolean, static_cast<std::uint64_t>(value)};
}
Value Value::integer(std::int64_t value) {
  return {Kind::integer, static_cast<std::uint64_t>(value)};
}
Value Value::unsigned_integer(std::uint64_t value) {
  return {Kind::unsigned_integer, value};
}
Value Value::floating(double value) {
  return {Kind::floating, std::bit_cast<std::uint64_t>(value)};
}
Value Value::timestamp(Timestamp value) {
  Value result{Kind::timestamp, static_cast<std::uint64_t>(value.seconds)};
  result.extra_ = static_cast<std::uint32_t>(value.nanoseconds);
  return result;
}
Value Value::duration(std::int64_t nanoseconds) {
  return {Kind::duration, static_cast<std::uint64_t>(nanoseconds)};
}

Value Value::ip(const IpAddress& address) {
  Value value;
  value.kind_ = Kind::ip;
  value.small_ = address.is_v4() ? 4 : 6;
  const auto octets = address.bytes();
  std::memcpy(value.payload_.address, octets.data(), octets.size());
  return value;
}

Value Value::cidr(const Cidr& block) {
  Value value = ip(block.address);
  value.kind_ = Kind::cidr;
  value.extra_ = block.length;
  return value;
}

Value Value::string(std::string content) {
  const auto owner = make_shared_object<const SharedText>(std::move(content));
  return text(Kind::string, owner->text, owner.get());
}
Value Value::bytes(std::string octets) {
  const auto owner = make_shared_object<const SharedText>(std::move(octets));
  return text(Kind::bytes, owner->text, owner.get());
}
Value Value::borrowed_string(std::string_view content) {
  return text(Kind::string, content, nullptr);
}
Value Value::borrowed_bytes(std::string_view octets) {
  return text(Kind::bytes, octets, nullptr);
}

Value Value::list(std::vector<Value> elements) {
  return list(make_shared_object<const VectorList>(std::move(elements)));
}
Value Value::list(Ref<const List> elements) {
  return {Kind::list, elements.get()};
}
Value Value::map(Ref<const Map> entries) {
  return {Kind::map, entries.get()};
}

Value Value::type(std::string_view name) {
  const auto owner = make_shared_object<const SharedText>(std::string(name));
  return text(Kind::type, owner->text, owner.get());
}

Value Value::optional_none() {
  return {Kind::optional, static_cast<const Shared*>(nullptr)};
}
Value Value::optional_of(Value value) {
  return {Kind::optional, make_shared_object<const SharedValue>(std::move(value)).get()};
}

Value Value::record(Ref<const RecordSet> set, std::uint32_t row) {
  Value value{Kind::record, set.get()};
  value.extra_ = row;
  return value;
}
Value Value::records(const Ref<const RecordSet>& set) {
  return list(make_shared_object<const RecordList>(set));
}
Value Value::opaque(Ref<const Opaque> object) {
  return {Kind::opaque, object.get()};
}

Value Value::error(Failure failure, std::string message) {
  return {Kind::error,
          make_shared_object<const ErrorDetail>(failure, std::move(message), no_node).get()};
}
Value Value::unknown(UnknownReason reason) {
  return unknown(std::vector<UnknownReason>{std::move(reason)});
}
Value Value::unknown(std::vector<UnknownReason> reasons) {
  std::ranges::sort(reasons);
  const auto repeated = std::ranges::unique(reasons);
  reasons.erase(repeated.begin(), repeated.end());
  return {Kind::unknown, make_shared_object<const UnknownDetail>(std::move(reasons)).get()};
}

Value::Value(const Value& other)
    : kind_(other.kind_), small_(other.small_), extra_(other.extra_), payload_(other.payload_) {
  if (owns())
    payload_.number.owner->retain();
}
Value::Value(Value&& other) noexcept
    : kind_(other.kind_), small_(other.small_), extra_(other.extra_), payload_(other.payload_) {
  other.kind_ = Kind::null;
}
Value& Value::operator=(const Value& other) {
  if (this != &other)
    *this = Value(other);
  return *this;
}
Value& Value::operator=(Value&& other) noexcept {
  if (this == &other)
    return *this;
  if (owns())
    payload_.number.owner->release();
  kind_ = std::exchange(other.kind_, Kind::null);
  small_ = other.small_;
  extra_ = other.extra_;
  payload_ = other.payload_;
  return *this;
}
Value::~Value() {
  if (owns())
    payload_.number.owner->release();
}

bool Value::is_number() const {
  return kind_ == Kind::integer || kind_ == Kind::unsigned_integer || kind_ == Kind::floating;
}
double Value::as_double() const {
  return std::bit_cast<double>(payload_.number.bits);
}

IpAddress Value::as_ip() const {
  const std::span<const std::byte> octets(payload_.address, small_ == 4 ? 4U : 16U);
  return *IpAddress::from_bytes(octets);
}
Cidr Value::as_cidr() const {
  return {as_ip(), extra_};
}

const List& Value::as_list() const {
  return *static_cast<const List*>(payload_.number.owner);
}
const Map& Value::as_map() const {
  return *static_cast<const Map*>(payload_.number.owner);
}
const Value* Value::as_optional() const {
  const auto* held = static_cast<const SharedValue*>(payload_.number.owner);
  return held == nullptr ? nullptr : &held->value;
}
const RecordSet& Value::as_record_set() const {
  return *static_cast<const RecordSet*>(payload_.number.owner);
}
const Opaque& Value::as_opaque() const {
  return *static_cast<const Opaque*>(payload_.number.owner);
}
const ErrorDetail& Value::as_error() const {
  return *static_cast<const ErrorDetail*>(payload_.number.owner);
}
const UnknownDetail& Value::as_unknown() const {
  return *static_cast<const UnknownDetail*>(payload_.number.owner);
}

std::uint64_t Value::weight() const {
  switch (kind_) {
  case Kind::string:
  case Kind::bytes:
    return 1 + extra_ / 32;
  case Kind::list:
    return as_list().weight();
  case Kind::map:
    return as_map().weight();
  case Kind::optional:
    return as_optional() == nullptr ? 1 : std::min(as_optional()->weight() + 1, most_weight);
  default:
    return 1;
  }
}

Value Value::part(std::size_t first_byte, std::size_t size) const {
  return text(kind_, as_text().substr(first_byte, size), payload_.text.owner);
}

Value Value::located(std::uint32_t node) const {
  const auto& detail = as_error();
  if (detail.node != no_node)
    return *this;
  return {Kind::error,
          make_shared_object<const ErrorDetail>(detail.failure, detail.message, node).get()};
}

Value merge_unknowns(const Value& left, const Value& right) {
  auto reasons = left.as_unknown().reasons;
  const auto& more = right.as_unknown().reasons;
  reasons.insert(reasons.end(), more.begin(), more.end());
  return Value::unknown(std::move(reasons));
}

Map::Map(std::vector<Entry> entries) : entries_(std::move(entries)) {
  for (const auto& [key, value] : entries_)
    weight_ = std::min(weight_ + key.weight() + value.weight(), most_weight);
  if (entries_.size() <= small_map)
    return;
  for (std::size_t index = 0; index < entries_.size(); ++index)
    by_hash_.emplace_back(hash_key(entries_[index].key), static_cast<std::uint32_t>(index));
  std::ranges::sort(by_hash_);
}

const Value* Map::find(const Value& key) const {
  if (key.is(Kind::floating)) {
    const auto whole = whole_key(key.as_double());
    return whole ? find(*whole) : nullptr;
  }
  if (by_hash_.empty()) {
    const auto found = std::ranges::find_if(
        entries_, [&key](const Entry& entry) { return equal(entry.key, key); });
    return found == entries_.end() ? nullptr : &found->value;
  }
  const auto hash = hash_key(key);
  auto at = std::ranges::lower_bound(by_hash_, std::pair{hash, std::uint32_t{0}});
  for (; at != by_hash_.end() && at->first == hash; ++at)
    if (equal(entries_[at->second].key, key))
      return &entries_[at->second].value;
  return nullptr;
}

std::optional<Value> MapBuilder::add(Value key, Value value) {
  if (!is_key(key))
    return Value::error(Failure::invalid_argument,
                        "unsupported key type: " + std::string(type_name(key)));
  const auto hash = hash_key(key);
  const std::pair bucket{hash, std::uint32_t{0}};
  auto at = std::ranges::lower_bound(buckets_, bucket);
  for (; at != buckets_.end() && at->first == hash; ++at)
    if (equal(entries_[at->second].key, key))
      return Value::error(Failure::duplicate_key, "repeated map key: " + to_text(key));
  buckets_.insert(at, {hash, static_cast<std::uint32_t>(entries_.size())});
  entries_.push_back({std::move(key), std::move(value)});
  return std::nullopt;
}

Value MapBuilder::build() {
  return Value::map(make_shared_object<const Map>(std::move(entries_)));
}

std::string_view type_name(const Value& value) {
  switch (value.kind()) {
  case Kind::null:
    return "null_type";
  case Kind::boolean:
    return "bool";
  case Kind::integer:
    return "int";
  case Kind::unsigned_integer:
    return "uint";
  case Kind::floating:
    return "double";
  case Kind::timestamp:
    return "google.protobuf.Timestamp";
  case Kind::duration:
    return "google.protobuf.Duration";
  case Kind::ip:
    return "net.IP";
  case Kind::cidr:
    return "net.CIDR";
  case Kind::string:
    return "string";
  case Kind::bytes:
    return "bytes";
  case Kind::list:
    return "list";
  case Kind::map:
    return "map";
  case Kind::type:
    return "type";
  case Kind::optional:
    return "optional_type";
  case Kind::record:
    return value.as_record_set().type().name();
  case Kind::opaque:
    return value.as_opaque().type_name();
  case Kind::error:
    return "error";
  case Kind::unknown:
    return "unknown";
  }
  return "";
}

} // namespace synfate::cel
