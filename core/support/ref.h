// Ref<T>: an intrusive, atomically counted pointer to an immutable node. Half the size of
// std::shared_ptr and one allocation a node: a program may hold a million of them.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <utility>

namespace inlay {

/// Base of everything that a Ref may point to. Thread-safe counting; the object itself is
/// immutable.
class RefCounted {
 public:
  RefCounted() = default;
  RefCounted(const RefCounted&) = delete;
  RefCounted& operator=(const RefCounted&) = delete;

 protected:
  ~RefCounted() = default;

 private:
  template <typename T>
  friend class Ref;
  mutable std::atomic<uint32_t> references_{0};
};

/// Pointer that shares ownership of T. T must derive from RefCounted and be complete where a Ref
/// is destroyed, or offer a virtual destructor in a complete base.
template <typename T>
class Ref {
 public:
  Ref() = default;
  Ref(std::nullptr_t) {}                             // NOLINT: a null Ref reads as nullptr
  Ref(T* pointer) : pointer_(pointer) { retain(); }  // NOLINT: takes shared ownership
  Ref(const Ref& other) : pointer_(other.pointer_) { retain(); }
  Ref(Ref&& other) noexcept : pointer_(std::exchange(other.pointer_, nullptr)) {}
  template <typename U, typename = std::enable_if_t<std::is_convertible_v<U*, T*>>>
  Ref(const Ref<U>& other) : pointer_(other.get()) {  // NOLINT: upcast
    retain();
  }
  Ref& operator=(Ref other) noexcept {
    std::swap(pointer_, other.pointer_);
    return *this;
  }
  ~Ref() { release(); }

  T* get() const { return pointer_; }
  T* operator->() const { return pointer_; }
  T& operator*() const { return *pointer_; }
  explicit operator bool() const { return pointer_ != nullptr; }
  bool same_as(const Ref& other) const { return pointer_ == other.pointer_; }

  /// Orders and compares by identity, for maps keyed by node.
  friend bool operator==(const Ref& a, const Ref& b) { return a.pointer_ == b.pointer_; }
  friend bool operator<(const Ref& a, const Ref& b) {
    return std::less<T*>()(a.pointer_, b.pointer_);
  }

 private:
  void retain() const {
    if (pointer_) pointer_->references_.fetch_add(1, std::memory_order_relaxed);
  }
  void release() const {
    if (pointer_ && pointer_->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      delete pointer_;
    }
  }

  T* pointer_ = nullptr;
};

}  // namespace inlay

template <typename T>
struct std::hash<inlay::Ref<T>> {
  size_t operator()(const inlay::Ref<T>& ref) const noexcept { return std::hash<T*>()(ref.get()); }
};
