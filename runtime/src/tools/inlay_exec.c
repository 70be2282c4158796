// inlay-exec: calls a function of a code object, with no compiler around. For devices, and for
// cross-compiled code objects under an emulator.
//
//   inlay-exec --devices                                    lists the devices
//   inlay-exec [--device D] PROGRAM.so                      lists the functions
//   inlay-exec [--device D] PROGRAM.so FUNCTION NAME=VALUE ... [--out NAME=FILE.npy ...]
//   inlay-exec PROGRAM.so --cases IN OUT                    many calls between guard pages: cases.h
//
// D: cpu (default), hip, hip:1 ..., or emulator. VALUE of a tensor: FILE.npy, or
// zeros:DTYPE[EXTENT,...], e.g. zeros:f32[7,9]; on a GPU it is copied there, and back for --out.
// VALUE of a scalar: a number. Exit status: 0, 1 (the call or a file failed; a sentence on stderr),
// 2 (wrong usage).
#include <errno.h>
#include <inlay/runtime.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "npy.h"

typedef struct Argument {
  int given;
  Array array;  // of a tensor
  DLTensor tensor;
  DLManagedTensor* there;  // on the GPU, if that is where it runs
} Argument;

static const char kUsage[] =
    "usage: inlay-exec [--device D] PROGRAM.so [FUNCTION NAME=VALUE ... [--out NAME=FILE.npy "
    "...]]\n"
    "       inlay-exec PROGRAM.so --cases IN OUT\n"
    "       inlay-exec --devices\n"
    "  D: cpu (default), hip, hip:1 ..., or emulator\n"
    "  VALUE of a tensor: FILE.npy or zeros:DTYPE[EXTENT,...]; of a scalar: a number\n"
    "  without FUNCTION: lists the functions of the program\n";

static int fail(int code, const char* subject, const char* what) {
  fprintf(stderr, "inlay-exec: %s%s%s\n", subject, *subject ? ": " : "", what);
  return code;
}

// "cpu", "hip", "hip:1", "emulator"; NULL: done, else why not.
static const char* parse_device(const char* text, DLDevice* out) {
  out->device_type = kDLROCM;
  out->device_id = 0;
  if (strcmp(text, "cpu") == 0) {
    out->device_type = kDLCPU;
  } else if (strcmp(text, "emulator") == 0) {
    if (setenv("INLAY_HIP_LIBRARY", "emulator", 1) != 0) return "cannot set the environment";
  } else if (strncmp(text, "hip:", 4) == 0) {
    char* end = NULL;
    long number = strtol(text + 4, &end, 10);
    if (end == text + 4 || *end != '\0' || number < 0 || number > 255) return "is no device";
    out->device_id = (int)number;
  } else if (strcmp(text, "hip") != 0) {
    return "expected cpu, hip, hip:1 ..., or emulator";
  }
  return NULL;
}

static void print_device(const char* name, const InlayDeviceInfo* info) {
  printf("%s: %s, %.1f GiB", name, info->name, (double)info->memory / (1 << 30));
  if (info->library[0] == '\0') {
    printf(", %d CPUs\n", info->compute_units);
  } else {
    printf(", target %s, %d compute units at %d MHz, %d KiB of LDS, by %s\n", info->target,
           info->compute_units, info->clock_khz / 1000, info->lds_bytes / 1024, info->library);
  }
}

// A GPU that is not there is no failure: it is what was asked for.
static int list_devices(void) {
  DLDevice cpu = {kDLCPU, 0};
  InlayDeviceInfo info;
  int32_t count = 0;
  if (inlay_device_info(cpu, &info) != INLAY_OK) return fail(1, "", inlay_last_error());
  print_device("cpu", &info);
  if (inlay_device_count(kDLROCM, &count) != INLAY_OK) printf("hip: %s\n", inlay_last_error());
  for (int32_t i = 0; i < count; ++i) {
    DLDevice gpu = {kDLROCM, i};
    char name[16];
    snprintf(name, sizeof name, "hip:%d", i);
    if (inlay_device_info(gpu, &info) != INLAY_OK) {
      printf("%s: %s\n", name, inlay_last_error());
    } else {
      print_device(name, &info);
    }
  }
  return 0;
}

// What of the program runs on the device; exit status.
static int print_program(const InlayModule* module, DLDevice device) {
  const InlayCodeObject* object = inlay_module_object(module);
  const InlayVariant* variant = inlay_module_variant(module);
  printf("%s, built by %s", object->program, object->compiler);
  if (device.device_type == kDLROCM) {
    const InlayGpuEntry* entry = NULL;
    printf("\n");
    if (inlay_module_gpu_entry(module, device, &entry) != INLAY_OK) {
      return fail(1, "", inlay_last_error());
    }
    printf("runs GPU entry %s", entry->target);
  } else {
    printf(", runs variant %s", variant != NULL ? variant->name : "none");
  }
  for (uint32_t i = 0; i < object->n_gpu_entries; ++i) {
    printf("%s%s", i == 0 ? "; GPU code for " : ", ", object->gpu_entries[i].target);
  }
  printf("\n");
  return 0;
}

static int list_functions(const InlayModule* module, DLDevice device) {
  const InlayCodeObject* object = inlay_module_object(module);
  int code = print_program(module, device);
  if (code != 0) return code;
  for (uint32_t f = 0; f < object->n_functions; ++f) {
    const InlayFunction* function = &object->functions[f];
    printf("  %s(", function->name);
    for (uint32_t p = 0; p < function->n_params; ++p) {
      const InlayParam* param = &function->params[p];
      const char* kind = param->kind == INLAY_PARAM_SCALAR           ? "scalar"
                         : (param->flags & INLAY_PARAM_WRITTEN) == 0 ? "in"
                         : (param->flags & INLAY_PARAM_READ) == 0    ? "out"
                                                                     : "inout";
      printf("%s%s: %s", p != 0 ? ", " : "", param->name, kind);
      if (param->kind == INLAY_PARAM_TENSOR) printf(" of rank %u", param->rank);
    }
    printf(")\n");
  }
  return 0;
}

// Parses "f32[7,9]".
static const char* parse_zeros(const char* text, Array* out) {
  const char* bracket = strchr(text, '[');
  DLDataType dtype;
  if (bracket == NULL || !dtype_parse(text, (size_t)(bracket - text), &dtype)) {
    return "expected zeros:DTYPE[EXTENT,...], e.g. zeros:f32[7,9]";
  }
  int64_t shape[INLAY_MAX_RANK];
  int ndim = 0;
  const char* at = bracket + 1;
  while (*at != ']') {
    char* end = NULL;
    errno = 0;
    long long extent = strtoll(at, &end, 10);
    if (end == at || errno != 0 || extent < 0 || (*end != ',' && *end != ']')) {
      return "the extents are not numbers, separated by commas, in [ ]";
    }
    if (ndim == (int)INLAY_MAX_RANK) return "the rank is too high";
    shape[ndim++] = extent;
    at = *end == ',' ? end + 1 : end;
  }
  if (at[1] != '\0') return "there is more text after ]";
  return array_zeros(dtype, ndim, shape, out);
}

static const char* parse_scalar(DLDataType dtype, const char* text, InlayValue* value) {
  char* end = NULL;
  errno = 0;
  if (dtype.code == kDLFloat || dtype.code == kDLBfloat) {
    *value = inlay_float(strtod(text, &end));
  } else if (dtype.code == kDLUInt && text[0] != '-') {
    value->kind = INLAY_VALUE_UINT;
    value->as.u64 = strtoull(text, &end, 0);
  } else {
    *value = inlay_int(strtoll(text, &end, 0));
  }
  if (end == text || *end != '\0') return "is no number";
  return errno == ERANGE ? "is out of range" : NULL;
}

static int find_param(const InlayFunction* function, const char* text, const char** value) {
  const char* equals = strchr(text, '=');
  if (equals == NULL) return -1;
  size_t size = (size_t)(equals - text);
  *value = equals + 1;
  for (uint32_t p = 0; p < function->n_params; ++p) {
    const char* name = function->params[p].name;
    if (strlen(name) == size && memcmp(name, text, size) == 0) return (int)p;
  }
  return -1;
}

static int read_argument(const InlayParam* param, DLDevice device, const char* text,
                         Argument* argument, InlayValue* value) {
  if (param->kind == INLAY_PARAM_SCALAR) {
    const char* why = parse_scalar(param->dtype, text, value);
    return why != NULL ? fail(1, text, why) : 0;
  }
  const char* why = strncmp(text, "zeros:", 6) == 0 ? parse_zeros(text + 6, &argument->array)
                                                    : npy_read(text, &argument->array);
  if (why != NULL) return fail(1, text, why);
  Array* array = &argument->array;
  DLTensor* tensor = &argument->tensor;
  tensor->data = array->data;
  tensor->device.device_type = kDLCPU;
  tensor->ndim = array->ndim;
  tensor->dtype = array->dtype;
  tensor->shape = array->shape;
  *value = inlay_tensor(tensor);
  if (device.device_type == kDLCPU) return 0;
  if (inlay_tensor_new(device, array->dtype, array->ndim, array->shape, &argument->there) !=
          INLAY_OK ||
      inlay_tensor_copy(tensor, &argument->there->dl_tensor) != INLAY_OK) {
    return fail(1, param->name, inlay_last_error());
  }
  *value = inlay_tensor(&argument->there->dl_tensor);
  return 0;
}

// Reads the arguments, calls, writes the outputs.
static int run(const InlayCallable* callable, DLDevice device, Argument* arguments, int argc,
               char** argv) {
  const InlayFunction* function = inlay_callable_describe(callable);
  InlayValue values[INLAY_MAX_PARAMS];
  const char* outputs[INLAY_MAX_PARAMS] = {NULL};
  memset(values, 0, sizeof values);
  for (int i = 0; i < argc; ++i) {
    int is_output = strcmp(argv[i], "--out") == 0;
    if (is_output && ++i == argc) return fail(2, "--out", "expected NAME=FILE.npy after it");
    const char* text = NULL;
    int p = find_param(function, argv[i], &text);
    if (p < 0) return fail(2, argv[i], "expected NAME=..., NAME a parameter of the function");
    if (is_output) {
      if (function->params[p].kind != INLAY_PARAM_TENSOR) return fail(2, argv[i], "is no tensor");
      outputs[p] = text;
    } else {
      if (arguments[p].given) return fail(2, argv[i], "is given twice");
      arguments[p].given = 1;
      int code = read_argument(&function->params[p], device, text, &arguments[p], &values[p]);
      if (code != 0) return code;
    }
  }
  for (uint32_t p = 0; p < function->n_params; ++p) {
    if (!arguments[p].given) return fail(2, function->params[p].name, "has no value");
  }
  if (inlay_call(callable, values, function->n_params) != INLAY_OK ||
      inlay_device_synchronize(device) != INLAY_OK) {
    return fail(1, "", inlay_last_error());
  }
  for (uint32_t p = 0; p < function->n_params; ++p) {
    if (outputs[p] == NULL) continue;
    if (arguments[p].there != NULL &&
        inlay_tensor_copy(&arguments[p].there->dl_tensor, &arguments[p].tensor) != INLAY_OK) {
      return fail(1, function->params[p].name, inlay_last_error());
    }
    const char* why = npy_write(outputs[p], &arguments[p].array);
    if (why != NULL) return fail(1, outputs[p], why);
  }
  return 0;
}

int main(int argc, char** argv) {
  if (argc < 2 || strcmp(argv[1], "--help") == 0) {
    fputs(kUsage, argc < 2 ? stderr : stdout);
    return argc < 2 ? 2 : 0;
  }
  if (argc == 2 && strcmp(argv[1], "--devices") == 0) return list_devices();
  DLDevice device = {kDLCPU, 0};
  if (strcmp(argv[1], "--device") == 0) {
    if (argc < 4) return fail(2, "--device", "expected a device and a program after it");
    const char* why = parse_device(argv[2], &device);
    if (why != NULL) return fail(2, argv[2], why);
    argc -= 2;
    argv += 2;
  }
  InlayModule* module = NULL;
  if (inlay_module_load(argv[1], &module) != INLAY_OK) return fail(1, "", inlay_last_error());
  int code = 0;
  const InlayCallable* callable = NULL;
  if (argc == 2) {
    code = list_functions(module, device);
  } else if (strcmp(argv[2], "--cases") == 0) {
    const char* why = NULL;
    if (argc != 5) {
      code = fail(2, "--cases", "expected two files after it");
    } else if (device.device_type != kDLCPU) {
      code = fail(2, "--cases", "runs on the CPU only");
    } else if ((why = run_cases(module, argv[3], argv[4])) != NULL) {
      code = fail(1, "", why);
    }
  } else if (inlay_module_function(module, argv[2], &callable) != INLAY_OK) {
    code = fail(1, "", inlay_last_error());
  } else {
    static Argument arguments[INLAY_MAX_PARAMS];
    code = run(callable, device, arguments, argc - 3, argv + 3);
    for (uint32_t p = 0; p < INLAY_MAX_PARAMS; ++p) {
      inlay_tensor_free(arguments[p].there);
      free(arguments[p].array.data);
    }
  }
  inlay_module_unload(module);
  return code;
}
