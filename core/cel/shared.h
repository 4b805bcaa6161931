// Reference counting for what values point to: lists, maps, long-lived texts, tables.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace synfate::cel {

/// What several values may own together. Created by make_shared_object, freed with its last Ref.
class Shared {
public:
  Shared() = default;
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  virtual ~Shared() = default;

  void retain() const { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() const {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1)
      delete this;
  }

private:
  mutable std::atomic<std::uint32_t> references_{0};
};

/// Owns a share of a T, or nothing.
template <typename T> class Ref {
public:
  Ref() = default;
  explicit Ref(T* object) : object_(object) {
    if (object_ != nullptr)
      object_->retain();
  }
  Ref(const Ref& other) : Ref(other.object_) {}
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  template <typename U>
    requires(std::is_convertible_v<U*, T*>)
  Ref(const Ref<U>& other) : Ref(other.get()) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    if (object_ != nullptr)
      object_->release();
  }

  T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }

private:
  T* object_ = nullptr;
};

template <typename T, typename... Arguments> Ref<T> make_shared_object(Arguments&&... arguments) {
  return Ref<T>(new T(std::forward<Arguments>(arguments)...));
}

} // namespace synfate::cel
