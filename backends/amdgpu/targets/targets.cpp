#include "backends/amdgpu/targets/targets.h"

#include <algorithm>

#include "backends/llvm/machine.h"

namespace inlay::amdgpu {

namespace {

constexpr const char* kTriple = "amdgcn-amd-amdhsa";

const GpuFacts* find(const std::string& name) {
  for (const GpuFacts& row : gpu_table()) {
    if (name == row.name) return &row;
  }
  return nullptr;
}

[[noreturn]] void unknown(const std::string& message, const std::string& help) {
  throw CompileError("unknown-target", Loc(), message, help);
}

}  // namespace

const std::vector<GpuFacts>& gpu_table() {
  static const std::vector<GpuFacts> rows{
#define INLAY_AMDGPU_TARGET(name, isa, mach, vgprs, granule, sgprs, waves, lds, mix, dots, xnack, \
                            ecc, generic, cov, description)                                       \
  {name, isa,  mach,  vgprs, granule, sgprs, waves,      lds,                                     \
   mix,  dots, xnack, ecc,   generic, cov,   description},
#include "backends/amdgpu/targets/targets.def"
  };
  return rows;
}

const GpuFacts& facts_of(const Target& target) {
  const GpuFacts* facts = find(target.cpu);
  if (!facts) {
    unknown("target `" + target.spec + "` is none of the amdgpu backend's",
            "`inlay targets` lists them");
  }
  return *facts;
}

std::optional<Target> resolve_target(const std::string& spec) {
  if (spec.rfind("gfx", 0) != 0) return std::nullopt;
  size_t colon = spec.find(':');
  std::string name = spec.substr(0, colon);
  const GpuFacts* facts = find(name);
  if (!facts) {
    std::vector<std::string> names;
    for (const GpuFacts& row : gpu_table()) names.push_back(row.name);
    std::string help = did_you_mean(nearest_names(name, names));
    std::string all;
    for (const std::string& known : names) all += (all.empty() ? "" : ", ") + known;
    unknown("target `" + spec + "`: there is no GPU `" + name + "`",
            help.empty() ? "known are " + all : help);
  }
  Target target;
  target.spec = spec;
  target.arch = "amdgpu";
  target.triple = kTriple;
  target.cpu = name;
  target.backend = "amdgpu";
  target.vector_bits = 128;
  target.vector_registers = facts->vgprs;
  for (std::string& feature : expand_features(kTriple, name, {})) {
    target.features.insert(std::move(feature));
  }
  target.features.erase("xnack");
  target.features.erase("sramecc");
  // A GPU's name is a feature too, which implies all that it has.
  ImpliedFeatures implied = *implied_features(kTriple);
  implied[name] = target.features;
  target.implied = std::make_shared<const ImpliedFeatures>(std::move(implied));
  target.features.insert(name);
  while (colon != std::string::npos) {
    size_t next = spec.find(':', colon + 1);
    std::string part = spec.substr(colon + 1, next - colon - 1);
    colon = next;
    char sign = part.empty() ? '\0' : part.back();
    std::string feature = part.substr(0, part.empty() ? 0 : part.size() - 1);
    bool known = feature == "xnack" ? facts->xnack : feature == "sramecc" && facts->sramecc;
    if ((sign != '+' && sign != '-') || !known) {
      unknown("target `" + spec + "`: `" + part + "` is no feature of a target ID of " + name,
              std::string("write ") + (facts->xnack ? "xnack+ or xnack-" : "") +
                  (facts->sramecc ? ", sramecc+ or sramecc-" : "") +
                  "; without it the code runs with either setting");
    }
    std::string on = feature, off = "no-" + feature;
    if (target.features.count(on) || target.features.count(off)) {
      unknown("target `" + spec + "` names " + feature + " twice", "name it once");
    }
    target.features.insert(sign == '+' ? on : off);
  }
  return target;
}

std::string target_id(const Target& target) {
  std::string id = target.cpu;
  for (const char* feature : {"sramecc", "xnack"}) {
    if (target.features.count(feature)) id += std::string(":") + feature + "+";
    if (target.features.count(std::string("no-") + feature)) id += std::string(":") + feature + "-";
  }
  return id;
}

int64_t occupancy(const GpuFacts& facts, int64_t vgprs, int64_t sgprs, int64_t lds_bytes,
                  int64_t work_items) {
  auto round_up = [](int64_t value, int64_t step) { return (value + step - 1) / step * step; };
  constexpr int64_t kSimds = 4, kLanes = 64, kLdsOfUnit = 65536, kLdsGranule = 512;
  constexpr int64_t kGroupsOfUnit = 16, kSgprGranule = 16;
  int64_t waves = facts.waves;
  waves = std::min(waves, facts.vgprs / std::max<int64_t>(round_up(vgprs, facts.vgpr_granule), 1));
  // VCC, FLAT_SCRATCH and XNACK_MASK are six more.
  waves = std::min(waves, facts.sgprs / std::max<int64_t>(round_up(sgprs + 6, kSgprGranule), 1));
  // Whole workgroups live on a compute unit.
  int64_t of_group = round_up(std::max<int64_t>(work_items, 1), kLanes) / kLanes;
  int64_t groups = waves * kSimds / of_group;
  if (of_group > 1) groups = std::min(groups, kGroupsOfUnit);
  if (lds_bytes > 0) groups = std::min(groups, kLdsOfUnit / round_up(lds_bytes, kLdsGranule));
  return std::min(waves, round_up(groups * of_group, kSimds) / kSimds);
}

}  // namespace inlay::amdgpu
