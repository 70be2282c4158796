#include "backends/llvm/assembler/x86_features.h"

#include <algorithm>

namespace inlay {

namespace {

// A row holds for every mnemonic that starts with `prefix` (AT&T adds size letters); the longest
// prefix that fits decides.
struct Row {
  std::string_view prefix;
  const char* feature;
};

// Instructions without a VEX or EVEX prefix, and those of general registers.
constexpr Row kPlain[] = {
    {"addsubp", "sse3"},     {"haddp", "sse3"},
    {"hsubp", "sse3"},       {"lddqu", "sse3"},
    {"movddup", "sse3"},     {"movshdup", "sse3"},
    {"movsldup", "sse3"},    {"pabs", "ssse3"},
    {"palignr", "ssse3"},    {"phadd", "ssse3"},
    {"phsub", "ssse3"},      {"pmaddubsw", "ssse3"},
    {"pmulhrsw", "ssse3"},   {"pshufb", "ssse3"},
    {"psign", "ssse3"},      {"blendp", "sse4.1"},
    {"blendvp", "sse4.1"},   {"dpp", "sse4.1"},
    {"extractps", "sse4.1"}, {"insertps", "sse4.1"},
    {"mpsadbw", "sse4.1"},   {"packusdw", "sse4.1"},
    {"pblend", "sse4.1"},    {"pcmpeqq", "sse4.1"},
    {"pextrb", "sse4.1"},    {"pextrd", "sse4.1"},
    {"pextrq", "sse4.1"},    {"pinsrb", "sse4.1"},
    {"pinsrd", "sse4.1"},    {"pinsrq", "sse4.1"},
    {"phminpos", "sse4.1"},  {"pmaxsb", "sse4.1"},
    {"pmaxsd", "sse4.1"},    {"pmaxuw", "sse4.1"},
    {"pmaxud", "sse4.1"},    {"pminsb", "sse4.1"},
    {"pminsd", "sse4.1"},    {"pminuw", "sse4.1"},
    {"pminud", "sse4.1"},    {"pmovsx", "sse4.1"},
    {"pmovzx", "sse4.1"},    {"pmuldq", "sse4.1"},
    {"pmulld", "sse4.1"},    {"ptest", "sse4.1"},
    {"roundp", "sse4.1"},    {"rounds", "sse4.1"},
    {"movntdqa", "sse4.1"},  {"pcmpestr", "sse4.2"},
    {"pcmpistr", "sse4.2"},  {"pcmpgtq", "sse4.2"},
    {"crc32", "crc32"},      {"popcnt", "popcnt"},
    {"lzcnt", "lzcnt"},      {"tzcnt", "bmi"},
    {"andn", "bmi"},         {"andnp", nullptr},
    {"bextr", "bmi"},        {"bls", "bmi"},
    {"bzhi", "bmi2"},        {"mulx", "bmi2"},
    {"pdep", "bmi2"},        {"pext", "bmi2"},
    {"pextrw", nullptr},     {"rorx", "bmi2"},
    {"sarx", "bmi2"},        {"shlx", "bmi2"},
    {"shrx", "bmi2"},        {"adcx", "adx"},
    {"adox", "adx"},         {"movbe", "movbe"},
    {"aes", "aes"},          {"pclmul", "pclmul"},
    {"sha1", "sha"},         {"sha256", "sha"},
    {"gf2p8", "gfni"},       {"rdrand", "rdrnd"},
    {"rdseed", "rdseed"},    {"clflushopt", "clflushopt"},
    {"clwb", "clwb"},        {"prefetchw", "prfchw"},
    {"movdiri", "movdiri"},  {"movdir64b", "movdir64b"},
    {"tdpb", "amx-tile"},    {"tile", "amx-tile"},
    {"tdpbf16", "amx-bf16"}, {"tdpbs", "amx-int8"},
    {"tdpbu", "amx-int8"},
};

// VEX-encoded vector instructions that AVX alone does not have.
constexpr Row kVex[] = {
    {"vpbroadcast", "avx2"}, {"vpermd", "avx2"},       {"vpermps", "avx2"},
    {"vpermq", "avx2"},      {"vpermpd", "avx2"},      {"vperm2i128", "avx2"},
    {"vinserti128", "avx2"}, {"vextracti128", "avx2"}, {"vbroadcasti128", "avx2"},
    {"vpsllv", "avx2"},      {"vpsrlv", "avx2"},       {"vpsrav", "avx2"},
    {"vpmaskmov", "avx2"},   {"vgather", "avx2"},      {"vpgather", "avx2"},
    {"vpblendd", "avx2"},    {"vcvtph2ps", "f16c"},    {"vcvtps2ph", "f16c"},
    {"vfmadd", "fma"},       {"vfmsub", "fma"},        {"vfnmadd", "fma"},
    {"vfnmsub", "fma"},      {"vaes", "aes"},          {"vpclmul", "pclmul"},
    {"vgf2p8", "gfni"},      {"vpdpb", "avxvnni"},     {"vpdpw", "avxvnni"},
    {"vpmadd52", "avxifma"},
};

// Integer instructions of 256 bits are AVX2; these are the ones that start with vp and are AVX.
constexpr std::string_view kAvx256[] = {"vpermilp", "vperm2f128", "vptest"};

// What only EVEX can encode, whatever its registers are.
constexpr std::string_view kEvexOnly[] = {
    "vpternlog",     "vpermi2",       "vpermt2",       "vpopcnt",       "vrcp14",
    "vrsqrt14",      "vrcp28",        "vrsqrt28",      "vgetexp",       "vgetmant",
    "vscalef",       "vrndscale",     "vfixupimm",     "vreducep",      "vrange",
    "vfpclass",      "vpconflict",    "vplzcnt",       "vpcompress",    "vpexpand",
    "vcompressp",    "vexpandp",      "valign",        "vblendmp",      "vpblendm",
    "vdbpsadbw",     "vpabsq",        "vpmaxsq",       "vpmaxuq",       "vpminsq",
    "vpminuq",       "vpmullq",       "vpsraq",        "vprol",         "vpror",
    "vmovdqu8",      "vmovdqu16",     "vmovdqu32",     "vmovdqu64",     "vmovdqa32",
    "vmovdqa64",     "vpermb",        "vpermw",        "vpshld",        "vpshrd",
    "vpsllvw",       "vpsrlvw",       "vpsravw",       "vpsravq",       "vpmultishift",
    "vbroadcastf32", "vbroadcastf64", "vbroadcasti32", "vbroadcasti64", "vinsertf32",
    "vinsertf64",    "vinserti32",    "vinserti64",    "vextractf32",   "vextractf64",
    "vextracti32",   "vextracti64",   "vshuff32",      "vshuff64",      "vshufi32",
    "vshufi64"};

// Parts of AVX-512 beyond its foundation.
constexpr Row kEvex[] = {
    {"vpconflict", "avx512cd"},
    {"vplzcnt", "avx512cd"},
    {"vpbroadcastm", "avx512cd"},
    {"vpmullq", "avx512dq"},
    {"vrange", "avx512dq"},
    {"vreducep", "avx512dq"},
    {"vreduces", "avx512dq"},
    {"vfpclass", "avx512dq"},
    {"vandp", "avx512dq"},
    {"vandnp", "avx512dq"},
    {"vorp", "avx512dq"},
    {"vxorp", "avx512dq"},
    {"vinsertf32x8", "avx512dq"},
    {"vinserti32x8", "avx512dq"},
    {"vinsertf64x2", "avx512dq"},
    {"vinserti64x2", "avx512dq"},
    {"vextractf32x8", "avx512dq"},
    {"vextracti32x8", "avx512dq"},
    {"vextractf64x2", "avx512dq"},
    {"vextracti64x2", "avx512dq"},
    {"vbroadcastf32x2", "avx512dq"},
    {"vbroadcasti32x2", "avx512dq"},
    {"vbroadcastf64x2", "avx512dq"},
    {"vbroadcasti64x2", "avx512dq"},
    {"vbroadcastf32x8", "avx512dq"},
    {"vbroadcasti32x8", "avx512dq"},
    {"vcvtqq2", "avx512dq"},
    {"vcvtuqq2", "avx512dq"},
    {"vcvttps2qq", "avx512dq"},
    {"vcvttpd2qq", "avx512dq"},
    {"vcvtps2qq", "avx512dq"},
    {"vcvtpd2qq", "avx512dq"},
    {"vpmovm2d", "avx512dq"},
    {"vpmovm2q", "avx512dq"},
    {"vpmovd2m", "avx512dq"},
    {"vpmovq2m", "avx512dq"},
    {"vpmovm2b", "avx512bw"},
    {"vpmovm2w", "avx512bw"},
    {"vpmovb2m", "avx512bw"},
    {"vpmovw2m", "avx512bw"},
    {"vmovdqu8", "avx512bw"},
    {"vmovdqu16", "avx512bw"},
    {"vdbpsadbw", "avx512bw"},
    {"vpaddb", "avx512bw"},
    {"vpaddw", "avx512bw"},
    {"vpadds", "avx512bw"},
    {"vpaddus", "avx512bw"},
    {"vpsubb", "avx512bw"},
    {"vpsubw", "avx512bw"},
    {"vpsubs", "avx512bw"},
    {"vpsubus", "avx512bw"},
    {"vpavg", "avx512bw"},
    {"vpmadd", "avx512bw"},
    {"vpmulhrsw", "avx512bw"},
    {"vpmulhw", "avx512bw"},
    {"vpmulhuw", "avx512bw"},
    {"vpmullw", "avx512bw"},
    {"vpshufb", "avx512bw"},
    {"vpshufhw", "avx512bw"},
    {"vpshuflw", "avx512bw"},
    {"vpack", "avx512bw"},
    {"vpunpcklbw", "avx512bw"},
    {"vpunpckhbw", "avx512bw"},
    {"vpunpcklwd", "avx512bw"},
    {"vpunpckhwd", "avx512bw"},
    {"vpsadbw", "avx512bw"},
    {"vpabsb", "avx512bw"},
    {"vpabsw", "avx512bw"},
    {"vpsllw", "avx512bw"},
    {"vpsrlw", "avx512bw"},
    {"vpsraw", "avx512bw"},
    {"vpsllvw", "avx512bw"},
    {"vpsrlvw", "avx512bw"},
    {"vpsravw", "avx512bw"},
    {"vpermw", "avx512bw"},
    {"vpermi2w", "avx512bw"},
    {"vpermt2w", "avx512bw"},
    {"vpbroadcastb", "avx512bw"},
    {"vpbroadcastw", "avx512bw"},
    {"vpblendmb", "avx512bw"},
    {"vpblendmw", "avx512bw"},
    {"vpcmpb", "avx512bw"},
    {"vpcmpw", "avx512bw"},
    {"vpcmpub", "avx512bw"},
    {"vpcmpuw", "avx512bw"},
    {"vpcmpeqb", "avx512bw"},
    {"vpcmpeqw", "avx512bw"},
    {"vpcmpgtb", "avx512bw"},
    {"vpcmpgtw", "avx512bw"},
    {"vptestmb", "avx512bw"},
    {"vptestmw", "avx512bw"},
    {"vptestnmb", "avx512bw"},
    {"vptestnmw", "avx512bw"},
    {"vpermb", "avx512vbmi"},
    {"vpermi2b", "avx512vbmi"},
    {"vpermt2b", "avx512vbmi"},
    {"vpmultishift", "avx512vbmi"},
    {"vpcompressb", "avx512vbmi2"},
    {"vpcompressw", "avx512vbmi2"},
    {"vpexpandb", "avx512vbmi2"},
    {"vpexpandw", "avx512vbmi2"},
    {"vpshld", "avx512vbmi2"},
    {"vpshrd", "avx512vbmi2"},
    {"vpdpb", "avx512vnni"},
    {"vpdpw", "avx512vnni"},
    {"vpmadd52", "avx512ifma"},
    {"vpopcntd", "avx512vpopcntdq"},
    {"vpopcntq", "avx512vpopcntdq"},
    {"vpopcntb", "avx512bitalg"},
    {"vpopcntw", "avx512bitalg"},
    {"vpshufbitqmb", "avx512bitalg"},
    {"vdpbf16", "avx512bf16"},
    {"vcvtne2ps2bf16", "avx512bf16"},
    {"vcvtneps2bf16", "avx512bf16"},
    {"vaes", "vaes"},
    {"vpclmul", "vpclmulqdq"},
    {"vgf2p8", "gfni"},
    {"kmovb", "avx512dq"},
    {"kmovd", "avx512bw"},
    {"kmovq", "avx512bw"},
    {"vaddph", "avx512fp16"},
    {"vsubph", "avx512fp16"},
    {"vmulph", "avx512fp16"},
    {"vdivph", "avx512fp16"},
};

template <size_t N>
const char* longest(const Row (&rows)[N], std::string_view mnemonic) {
  const Row* best = nullptr;
  for (const Row& row : rows) {
    if (mnemonic.substr(0, row.prefix.size()) != row.prefix) continue;
    if (!best || row.prefix.size() > best->prefix.size()) best = &row;
  }
  return best ? best->feature : nullptr;
}

template <size_t N>
bool starts_with_any(const std::string_view (&prefixes)[N], std::string_view mnemonic) {
  return std::any_of(std::begin(prefixes), std::end(prefixes), [&](std::string_view prefix) {
    return mnemonic.substr(0, prefix.size()) == prefix;
  });
}

bool is_mask_instruction(std::string_view mnemonic) {
  static constexpr std::string_view kPrefixes[] = {"kmov",   "kand",   "kor",   "kxor", "knot",
                                                   "kunpck", "kshift", "ktest", "kadd", "kxnor"};
  return starts_with_any(kPrefixes, mnemonic);
}

// Scalar instructions have no 128-bit vector form of their own: no avx512vl.
bool is_scalar(std::string_view mnemonic) {
  std::string_view end = mnemonic.size() > 2 ? mnemonic.substr(mnemonic.size() - 2) : mnemonic;
  return end == "ss" || end == "sd" || end == "sh" || mnemonic.substr(0, 4) == "vmov" ||
         mnemonic.find("ss2") != std::string_view::npos ||
         mnemonic.find("sd2") != std::string_view::npos;
}

}  // namespace

std::vector<std::string> x86_features(std::string_view mnemonic, const X86Operands& operands) {
  std::vector<std::string> needed;
  bool vector_prefix = mnemonic.size() > 2 && mnemonic[0] == 'v' &&
                       mnemonic.substr(0, 3) != "ver" && mnemonic.substr(0, 2) != "vm";
  vector_prefix = vector_prefix || mnemonic.substr(0, 4) == "vmov" ||
                  mnemonic.substr(0, 4) == "vmax" || mnemonic.substr(0, 4) == "vmin" ||
                  mnemonic.substr(0, 5) == "vmask" || mnemonic.substr(0, 4) == "vmul" ||
                  mnemonic.substr(0, 5) == "vmpsa";
  bool evex = operands.zmm || operands.mask || operands.high_register ||
              is_mask_instruction(mnemonic) || starts_with_any(kEvexOnly, mnemonic);
  if (evex) {
    needed.push_back("avx512f");
    if (const char* part = longest(kEvex, mnemonic)) needed.push_back(part);
    bool narrow = (operands.ymm || operands.xmm) && !operands.zmm;
    if (narrow && !is_scalar(mnemonic)) needed.push_back("avx512vl");
    return needed;
  }
  if (!vector_prefix) {
    if (const char* feature = longest(kPlain, mnemonic)) needed.push_back(feature);
    return needed;
  }
  needed.push_back("avx");
  const char* feature = longest(kVex, mnemonic);
  if (operands.ymm && mnemonic.substr(0, 4) == "vaes") feature = "vaes";
  if (operands.ymm && mnemonic.substr(0, 7) == "vpclmul") feature = "vpclmulqdq";
  bool integer = mnemonic.substr(0, 2) == "vp" || mnemonic == "vmpsadbw" || mnemonic == "vmovntdqa";
  if (!feature && operands.ymm && integer && !starts_with_any(kAvx256, mnemonic)) feature = "avx2";
  bool broadcast = mnemonic == "vbroadcastss" || mnemonic == "vbroadcastsd";
  if (broadcast && !operands.memory) feature = "avx2";
  if (feature) needed.push_back(feature);
  return needed;
}

}  // namespace inlay
