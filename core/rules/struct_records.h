// C++ structs as CEL records: a flow, its fate, the target, the host.
#pragma once

#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "core/cel/record.h"

namespace synfate::rules {

/// One field of a struct: its name, its CEL type as text, how to read it.
template <typename T> struct StructField {
  std::string_view name;
  std::string_view type;
  cel::Value (*read)(const T&);
};

/// The declaration of a struct's record type and how its fields are read.
template <typename T> class StructType {
public:
  StructType(std::string name, std::initializer_list<StructField<T>> fields) {
    std::vector<cel::Field> declared;
    for (const auto& field : fields) {
      declared.push_back(
          {std::string(field.name), cel::parse_type(field.type).value_or(cel::Type{})});
      readers_.push_back(field.read);
    }
    record_ = std::make_shared<cel::RecordType>(std::move(name), std::move(declared));
  }
  const std::shared_ptr<const cel::RecordType>& record() const { return record_; }
  cel::Value read(const T& value, std::size_t field) const { return readers_[field](value); }

private:
  std::shared_ptr<const cel::RecordType> record_;
  std::vector<cel::Value (*)(const T&)> readers_;
};

/// A view of structs that outlive it; two views of one struct are the same record.
template <typename T> class StructRecords final : public cel::RecordSet {
public:
  StructRecords(const StructType<T>& type, std::span<const T> values)
      : type_(type), values_(values) {}
  const cel::RecordType& type() const override { return *type_.record(); }
  std::size_t size() const override { return values_.size(); }
  cel::Value field(std::size_t row, std::size_t column) const override {
    return type_.read(values_[row], column);
  }
  std::pair<const void*, std::uint64_t> identity(std::size_t row) const override {
    return {&values_[row], 0};
  }
  const T& at(std::size_t row) const { return values_[row]; }

private:
  const StructType<T>& type_;
  std::span<const T> values_;
};

/// A record that owns its struct.
template <typename T> class OwnedRecord final : public cel::RecordSet {
public:
  OwnedRecord(const StructType<T>& type, T value) : type_(type), value_(std::move(value)) {}
  const cel::RecordType& type() const override { return *type_.record(); }
  std::size_t size() const override { return 1; }
  cel::Value field(std::size_t, std::size_t column) const override {
    return type_.read(value_, column);
  }
  const T& value() const { return value_; }

private:
  const StructType<T>& type_;
  T value_;
};

template <typename T> cel::Value struct_value(const StructType<T>& type, const T& value) {
  return cel::Value::record(
      cel::make_shared_object<StructRecords<T>>(type, std::span<const T>(&value, 1)), 0);
}

template <typename T> cel::Value struct_list(const StructType<T>& type, std::span<const T> values) {
  return cel::Value::records(cel::make_shared_object<StructRecords<T>>(type, values));
}

} // namespace synfate::rules
