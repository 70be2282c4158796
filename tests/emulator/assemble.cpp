// Text to words through LLVM's assembler, run as a program.
#include <elf.h>

#include <unistd.h>
#include <cstring>
#include <fstream>
#include <map>

#include "tests/emulator/wave_fixture.h"

namespace inlay::emulator {

std::vector<uint32_t> assemble(Chip chip, const std::string& text) {
  static std::map<std::pair<Chip, std::string>, std::vector<uint32_t>>
      known;  // each text once, for all variants
  const auto at = known.find({chip, text});
  if (at != known.end()) return at->second;
  const std::string stem = testing::TempDir() + "inlay_asm_" + std::to_string(getpid());
  std::ofstream(stem + ".s") << text;
  const std::string command = std::string(INLAY_LLVM_MC) + " -triple=amdgcn-amd-amdhsa -mcpu=" +
                              (chip == Chip::kGfx900 ? "gfx900" : "gfx906") + " -filetype=obj -o " +
                              stem + ".o " + stem + ".s";
  std::vector<uint32_t> words;
  if (system(command.c_str()) == 0) {
    std::ifstream file(stem + ".o", std::ios::binary);
    const std::string data{std::istreambuf_iterator<char>(file), {}};
    Elf64_Ehdr h;
    memcpy(&h, data.data(), sizeof(h));
    for (int n = 0; n < h.e_shnum; n++) {
      Elf64_Shdr s;
      memcpy(&s, data.data() + h.e_shoff + static_cast<size_t>(n) * sizeof(s), sizeof(s));
      if (!(s.sh_flags & SHF_EXECINSTR)) continue;
      words.resize(s.sh_size / 4);
      memcpy(words.data(), data.data() + s.sh_offset, words.size() * 4);
    }
  }
  EXPECT_FALSE(words.empty()) << "not assembled:\n" << text;
  remove((stem + ".s").c_str());
  remove((stem + ".o").c_str());
  return known[{chip, text}] = words;
}

std::set<size_t> refused_lines(Chip chip, const std::string& text) {
  const std::string file = testing::TempDir() + "inlay_lines_" + std::to_string(getpid()) + ".s";
  std::ofstream(file) << text;
  const std::string command = std::string(INLAY_LLVM_MC) + " -triple=amdgcn-amd-amdhsa -mcpu=" +
                              (chip == Chip::kGfx900 ? "gfx900" : "gfx906") + " -filetype=null " +
                              file + " 2>&1";
  std::set<size_t> lines;
  if (FILE* pipe = popen(command.c_str(), "r")) {
    char line[4096];
    while (fgets(line, sizeof(line), pipe) != nullptr)
      if (strncmp(line, file.c_str(), file.size()) == 0 && strstr(line, "error:") != nullptr)
        lines.insert(strtoull(line + file.size() + 1, nullptr, 10));
    pclose(pipe);
  }
  remove(file.c_str());
  return lines;
}

}  // namespace inlay::emulator
