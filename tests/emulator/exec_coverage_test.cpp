// Every row of the table has a handler, in every host variant, or stands in a counted list of what
// is missing.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "runtime/emulator/exec/wave.h"

namespace inlay::emulator {
namespace {

using namespace opcode_flags;

TEST(Coverage, EveryRowHasAHandler) {
  // What is missing, by mnemonic. This list may only become shorter.
  const std::set<std::string> missing = {"buffer_load_format_d16_hi_x",
                                         "buffer_load_format_d16_x",
                                         "buffer_load_format_d16_xy",
                                         "buffer_load_format_d16_xyz",
                                         "buffer_load_format_d16_xyzw",
                                         "buffer_load_format_x",
                                         "buffer_load_format_xy",
                                         "buffer_load_format_xyz",
                                         "buffer_load_format_xyzw",
                                         "buffer_store_format_d16_hi_x",
                                         "buffer_store_format_d16_x",
                                         "buffer_store_format_d16_xy",
                                         "buffer_store_format_d16_xyz",
                                         "buffer_store_format_d16_xyzw",
                                         "buffer_store_format_x",
                                         "buffer_store_format_xy",
                                         "buffer_store_format_xyz",
                                         "buffer_store_format_xyzw",
                                         "buffer_store_lds_dword",
                                         "ds_gws_sema_br",
                                         "ds_gws_sema_p",
                                         "ds_gws_sema_release_all",
                                         "ds_gws_sema_v",
                                         "ds_ordered_count",
                                         "s_atc_probe",
                                         "s_atc_probe_buffer",
                                         "s_cbranch_g_fork",
                                         "s_cbranch_i_fork",
                                         "s_cbranch_join",
                                         "s_endpgm_ordered_ps_done",
                                         "s_rfe_b64",
                                         "s_rfe_restore_b64",
                                         "s_scratch_load_dword",
                                         "s_scratch_load_dwordx2",
                                         "s_scratch_load_dwordx4",
                                         "s_scratch_store_dword",
                                         "s_scratch_store_dwordx2",
                                         "s_scratch_store_dwordx4",
                                         "s_sendmsghalt",
                                         "s_setkill",
                                         "s_setvskip",
                                         "tbuffer_load_format_d16_x",
                                         "tbuffer_load_format_d16_xy",
                                         "tbuffer_load_format_d16_xyz",
                                         "tbuffer_load_format_d16_xyzw",
                                         "tbuffer_load_format_x",
                                         "tbuffer_load_format_xy",
                                         "tbuffer_load_format_xyz",
                                         "tbuffer_load_format_xyzw",
                                         "tbuffer_store_format_d16_x",
                                         "tbuffer_store_format_d16_xy",
                                         "tbuffer_store_format_d16_xyz",
                                         "tbuffer_store_format_d16_xyzw",
                                         "tbuffer_store_format_x",
                                         "tbuffer_store_format_xy",
                                         "tbuffer_store_format_xyz",
                                         "tbuffer_store_format_xyzw",
                                         "v_cvt_pkaccum_u8_f32",
                                         "v_screen_partition_4se_b32"};
  EXPECT_EQ(missing.size(), 59u);
  for (const HandlerSet* set : handler_sets()) {
    std::set<std::string> found;
    for (size_t n = 0; n < opcode_count(); n++) {
      const Opcode& op = opcode_table()[n];
      if (op.has(NO_COMPUTE) && op.encoding != Encoding::kDS) continue;
      Instruction i;
      i.opcode = &op;
      if (set->find(i) == nullptr) found.insert(op.mnemonic);
    }
    for (const std::string& name : found)
      EXPECT_TRUE(missing.count(name)) << set->host_isa << " lacks " << name;
    for (const std::string& name : missing)
      EXPECT_TRUE(found.count(name)) << name << " is there: take it off the list";
  }
}

}  // namespace
}  // namespace inlay::emulator
