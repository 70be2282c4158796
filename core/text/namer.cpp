#include "core/text/lexer.h"
#include "core/text/printer.h"

namespace inlay::text {

namespace {

// The builder takes any name; the text takes identifiers.
std::string identifier(const std::string& wanted) {
  if (is_plain_name(wanted)) return wanted;
  std::string made;
  for (char c : wanted) {
    bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    made += word ? c : '_';
  }
  if (made.empty() || (made[0] >= '0' && made[0] <= '9')) made = "_" + made;
  return is_plain_name(made) ? made : made + "_";
}

}  // namespace

std::string Namer::unused(const std::string& base, const std::set<std::string>* against) {
  auto taken = [&](const std::string& name) {
    return against ? against->count(name) != 0 : used_.count(name) != 0;
  };
  if (!taken(base)) return base;
  uint32_t& suffix = suffixes_[base];
  std::string name;
  do {
    name = base + "_" + std::to_string(++suffix);
  } while (taken(name));
  return name;
}

const std::string& Namer::bind(const void* node, std::string base, std::string name,
                               std::vector<Entry>& scope) {
  std::string& slot = names_[node];
  auto last = suffixes_.find(base);
  scope.push_back({node, name, slot, base, last == suffixes_.end() ? 0 : last->second});
  ++used_[name];
  slot = std::move(name);
  return slot;
}

const std::string& Namer::declare_local(const void* node, const std::string& wanted) {
  std::string base = identifier(wanted);
  uint32_t before = suffixes_.count(base) ? suffixes_[base] : 0;
  std::string name = unused(base, nullptr);
  std::vector<Entry>& scope = scopes_.empty() ? globals_ : scopes_.back();
  const std::string& bound = bind(node, std::move(base), std::move(name), scope);
  scope.back().last_suffix = before;
  return bound;
}

const std::string& Namer::declare_item(const void* node, const std::string& wanted, bool may_hide) {
  std::string base = identifier(wanted);
  std::string name = unused(base, may_hide ? &item_names_ : nullptr);
  item_names_.insert(name);
  return bind(node, std::move(base), std::move(name), scopes_.empty() ? globals_ : scopes_.back());
}

const std::string& Namer::declare_program(const void* node, const std::string& wanted) {
  std::string base = identifier(wanted);
  std::string name = unused(base, nullptr);
  return bind(node, std::move(base), std::move(name), globals_);
}

const std::string& Namer::name_of(const void* node, const std::string& wanted) {
  auto found = names_.find(node);
  if (found != names_.end()) return found->second;
  return declare_program(node, wanted);
}

void Namer::open_item(std::set<std::string> reserved) {
  item_names_ = std::move(reserved);
}

void Namer::close_scope() {
  std::vector<Entry>& scope = scopes_.back();
  for (auto entry = scope.rbegin(); entry != scope.rend(); ++entry) {
    if (entry->hidden.empty()) {
      names_.erase(entry->node);
    } else {
      names_[entry->node] = entry->hidden;
    }
    auto count = used_.find(entry->name);
    if (--count->second == 0) used_.erase(count);
    if (entry->last_suffix) {
      suffixes_[entry->base] = entry->last_suffix;
    } else {
      suffixes_.erase(entry->base);
    }
  }
  scopes_.pop_back();
}

std::vector<std::pair<const void*, std::string>> Namer::scope_names() const {
  std::vector<std::pair<const void*, std::string>> names;
  for (const Entry& entry : scopes_.back()) names.emplace_back(entry.node, entry.name);
  return names;
}

void Namer::adopt(const std::vector<std::pair<const void*, std::string>>& names) {
  for (const auto& [node, name] : names) {
    item_names_.insert(name);
    bind(node, name, name, scopes_.back());
  }
}

}  // namespace inlay::text
