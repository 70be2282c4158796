// What each row of the opcode table computes, once more: in plain C++ of one lane, written from the
// manual's descriptions without a look at the handlers.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace inlay::emulator {

// Source values as the operand types say, zero-extended; what the destination held; a lane's bit of
// a carry or VCC, or SCC.
struct In {
  uint64_t s[3] = {};
  uint64_t d = 0;
  bool bit = false;
  uint32_t op_sel = 0, op_sel_hi = 7;  // packed and mixed instructions
  int lane = 0;
};
struct Out {
  uint64_t v = 0;
  bool bit = false;  // carry, comparison, SCC
  int ulps = 0;      // how far off a float may be
  double slack = 0;  // the same, absolutely
};
using Model = std::function<Out(const In&)>;
using Models = std::map<std::string, Model>;

const Models& vector_models();
const Models& packed_models();
const Models& scalar_models();  // SOP1, SOP2, SOPC, SOPK: In::bit and Out::bit are SCC
// Of v_cmp and v_cmpx, by name; null if the name is none of a comparison.
Model comparison_model(const std::string& mnemonic);

// The new value of an atomic, by its name without prefix and type: add, smin, cmpst, ... WIDTH is
// 32 or 64 bits. Null if there is none of that name.
using Atomic = std::function<uint64_t(uint64_t old, uint64_t data, uint64_t compare)>;
Atomic atomic_model(const std::string& name, int width);

// f16 as numbers. A double is rounded to the nearest half, once.
double half_value(uint64_t bits);
uint64_t half_bits(double v);

}  // namespace inlay::emulator
