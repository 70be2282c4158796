// Printer: items and statements. What must come out is text that parses to an equal program, so
// each choice here (`+=`, `strided`, a bare buffer, ...) answers one of the parser's.
#include "core/text/printer.h"

#include "core/ir/equal.h"
#include "core/ir/visitor.h"
#include "core/text/lexer.h"

namespace inlay::text {

std::string Printer::program(const Program& program) {
  bool first = true;
  bool last_was_line = false;
  for (const Item& item : program.items) {
    // Imports and parameters stand together; what has a body stands apart.
    bool is_line =
        std::holds_alternative<Import>(item) || std::holds_alternative<ProgramParam>(item);
    if (!first && !(is_line && last_was_line)) out_ += "\n";
    print_item(program, item);
    first = false;
    last_was_line = is_line;
  }
  return std::move(out_);
}

std::string Printer::function(const Function& function) {
  print_function(function);
  return std::move(out_);
}

std::string Printer::stmt(const Stmt& stmt) {
  namer_.open_scope();
  print(stmt);
  return std::move(out_);
}

std::string Printer::step(const ScheduleStep& step) {
  print_step(step);
  return std::move(out_);
}

std::string Printer::expr(const Expr& expr) {
  print(expr);
  return std::move(out_);
}

namespace {

// Names of the program parameters that a piece of program uses.
struct ConstantNames : Visitor {
  const std::set<const ExprNode*>& params;
  std::set<std::string> names;

  explicit ConstantNames(const std::set<const ExprNode*>& known) : params(known) {}
  using Visitor::visit;
  using Visitor::visit_node;
  void visit_node(const VarNode& node) override {
    if (node.is_constant && params.count(&node)) names.insert(node.name);
  }
  void visit(const std::vector<Param>& list) {
    for (const Param& param : list) {
      auto* buffer = std::get_if<Buffer>(&param);
      if (!buffer) continue;
      for (const Expr& extent : (*buffer)->shape) visit(extent);
      for (const Expr& stride : (*buffer)->strides) visit(stride);
    }
  }
};

std::set<const ExprNode*> param_nodes(const Program& program) {
  std::set<const ExprNode*> nodes;
  for (const ProgramParam* param : program.params()) nodes.insert(param->var.get());
  return nodes;
}

}  // namespace

void Printer::print_item(const Program& program, const Item& item) {
  if (auto* import = std::get_if<Import>(&item)) {
    print_import(*import);
  } else if (auto* param = std::get_if<ProgramParam>(&item)) {
    print_param(*param);
  } else if (auto* intrinsic = std::get_if<Intrinsic>(&item)) {
    print_intrinsic(program, *intrinsic);
  } else if (auto* row = std::get_if<Implement>(&item)) {
    print_implement(*row);
  } else if (auto* schedule = std::get_if<ScheduleItem>(&item)) {
    print_schedule(*schedule);
  } else {
    auto& function = std::get<Function>(item);
    std::set<const ExprNode*> nodes = param_nodes(program);
    ConstantNames used(nodes);
    used.visit(function.params);
    used.visit(function.body);
    for (const ScheduleItem* schedule : program.schedules()) {
      if (schedule->function != function.name) continue;
      for (const ScheduleParam& param : schedule->params) used.visit(param.value);
      if (schedule->condition) used.visit(schedule->condition);
    }
    namer_.open_item(std::move(used.names));
    print_function(function);
  }
}

void Printer::print_import(const Import& import) {
  line();
  print_import_text(import);
  out_ += "\n";
}

void Printer::print_import_text(const Import& import) {
  out_ += std::string("import ") + to_string(import->kind) + " ";
  if (import->is_inline) {
    out_ += "inline ";
    print_code(import->payload);
  } else {
    print_string(import->payload);
  }
  for (const std::string& flag : import->flags) {
    out_ += " flags ";
    print_string(flag);
  }
  if (import->may_call) out_ += " may_call";
}

void Printer::print_param(const ProgramParam& param) {
  out_ += "param " + namer_.declare_program(param.var.get(), param.var.name()) + " = " +
          std::to_string(param.value);
  if (!param.rows.empty()) {
    out_ += " {";
    for (const auto& [predicate, value] : param.rows) {
      out_ += " ";
      print_predicate(predicate);
      out_ += ": " + std::to_string(value);
    }
    out_ += " }";
  }
  out_ += "\n";
}

// True if the parser's `strided` makes just these strides; then they are named.
bool Printer::binds_as_strided(const Buffer& buffer) {
  if (!is_strided_form(buffer)) return false;
  const std::string& base = name(buffer);
  for (size_t d = 0; d + 1 < buffer->rank(); ++d) {
    auto* var = buffer->strides[d].as<VarNode>();
    std::string wanted = base + ".stride" + std::to_string(d);
    if (var->is_constant || var->type != kIndex) return false;
    bool named = namer_.is_named(var);
    if (named ? namer_.name_of(var, wanted) != wanted : namer_.is_taken(wanted)) return false;
  }
  for (size_t d = 0; d + 1 < buffer->rank(); ++d) {
    const void* var = buffer->strides[d].get();
    if (!namer_.is_named(var)) {
      namer_.declare_item(var, base + ".stride" + std::to_string(d), false);
    }
  }
  return true;
}

// `keep`: names are the function's interface, and stay as they are where they can.
void Printer::print_params(const std::vector<Param>& params, const std::vector<Var>& symbols,
                           bool keep) {
  for (const Param& param : params) {
    auto* var = std::get_if<Var>(&param);
    const void* node = var ? static_cast<const void*>(var->get()) : std::get<Buffer>(param).get();
    namer_.declare_item(node, param_name(param), true);
  }
  std::set<const void*> strided;
  for (const Param& param : params) {
    auto* buffer = std::get_if<Buffer>(&param);
    if (buffer && binds_as_strided(*buffer)) strided.insert(buffer->get());
  }
  for (const Var& symbol : symbols) {
    if (!namer_.is_named(symbol.get())) namer_.declare_item(symbol.get(), symbol.name(), keep);
  }
  out_ += "(";
  for (size_t i = 0; i < params.size(); ++i) {
    if (i) out_ += ", ";
    if (auto* var = std::get_if<Var>(&params[i])) {
      out_ += namer_.name_of(var->get(), var->name()) + ": ";
      out_ += var->type() == kIndex ? "index" : to_string(var->type());
    } else {
      const Buffer& buffer = std::get<Buffer>(params[i]);
      out_ += name(buffer) + ": ";
      print_buffer_type(buffer, strided.count(buffer.get()) != 0);
    }
  }
  out_ += ")";
}

// A block whose run of imports is the item's own: a `;` keeps it apart from import statements.
void Printer::print_body(const Stmt& body, const std::vector<Import>* imports) {
  INLAY_CHECK(bool(body) && body.as<Block>(), "the body of an item is a block");
  const std::vector<Stmt>& stmts = body.as<Block>()->stmts;
  out_ += " {\n";
  ++indent_;
  if (imports) {
    for (const Import& import : *imports) print_import(import);
    if (!stmts.empty() && stmts[0].as<ImportPragma>()) {
      line();
      out_ += ";\n";
    }
  }
  print_stmts(stmts);
  --indent_;
  out_ += "}\n";
}

void Printer::print_intrinsic(const Program& program, const Intrinsic& intrinsic) {
  std::set<const ExprNode*> nodes = param_nodes(program);
  ConstantNames used(nodes);
  used.visit(intrinsic.params);
  used.visit(intrinsic.body);
  for (const Implement* row : program.implements(intrinsic.name)) used.visit(row->body);
  namer_.open_item(std::move(used.names));
  namer_.open_scope();
  out_ += "intrin " + intrinsic.name;
  for (size_t i = 0; i < intrinsic.constants.size(); ++i) {
    const Var& constant = intrinsic.constants[i];
    out_ += (i ? ", " : "<") + namer_.declare_item(constant.get(), constant.name(), true);
  }
  if (!intrinsic.constants.empty()) out_ += ">";
  print_params(intrinsic.params, intrinsic.symbols(), false);
  intrinsics_.emplace(intrinsic.name, namer_.scope_names());
  print_body(intrinsic.body, nullptr);
  namer_.close_scope();
}

void Printer::print_implement(const Implement& row) {
  out_ += "implement " + row.intrinsic;
  for (size_t i = 0; i < row.constants.size(); ++i) {
    out_ += (i ? ", " : "<") + std::to_string(row.constants[i]);
  }
  if (!row.constants.empty()) out_ += ">";
  out_ += " for ";
  print_predicate(row.target);
  namer_.open_scope();
  auto known = intrinsics_.find(row.intrinsic);
  if (known != intrinsics_.end()) namer_.adopt(known->second);
  print_body(row.body, &row.imports);
  namer_.close_scope();
}

void Printer::print_function(const Function& function) {
  namer_.open_scope();
  out_ += "func " + function.name;
  print_params(function.params, function.symbols(), true);
  functions_[function.name] = namer_.scope_names();
  print_body(function.body, &function.imports);
  namer_.close_scope();
}

void Printer::print(const Stmt& stmt) {
  switch (stmt->kind) {
#define INLAY_STMT_NODE(Kind, Node) \
  case StmtKind::Kind:              \
    return print_node(static_cast<const Node&>(*stmt));
#include "core/ir/ir_nodes.def"
  }
}

void Printer::print_stmts(const std::vector<Stmt>& stmts) {
  namer_.open_scope();
  for (const Stmt& stmt : stmts) print(stmt);
  namer_.close_scope();
}

// `{`, lines, `}` without a newline behind it.
void Printer::print_block(const Stmt& block) {
  out_ += "{\n";
  ++indent_;
  print_stmts(block.as<Block>()->stmts);
  --indent_;
  line();
  out_ += "}";
}

void Printer::print_node(const Block& node) {
  line();
  out_ += "{\n";
  ++indent_;
  print_stmts(node.stmts);
  --indent_;
  line();
  out_ += "}\n";
}

void Printer::print_node(const For& node) {
  line();
  if (node.for_kind != ForKind::Serial) out_ += std::string(to_string(node.for_kind)) + " ";
  // The bounds do not see the variable.
  std::string head = std::move(out_);
  out_.clear();
  print_range(node.min, node.extent);
  std::string range = std::move(out_);
  out_ = std::move(head);
  namer_.open_scope();
  out_ += "for " + namer_.declare_local(node.var.get(), node.var.name()) + " in " + range + " ";
  print_block(node.body);
  namer_.close_scope();
  out_ += "\n";
}

void Printer::print_node(const If& node) {
  line();
  const If* chain = &node;
  for (;;) {
    out_ += "if ";
    print(chain->condition);
    out_ += " ";
    print_block(chain->then_body);
    if (!chain->else_body) break;
    out_ += " else ";
    const std::vector<Stmt>& rest = chain->else_body.as<Block>()->stmts;
    const If* next = rest.size() == 1 ? rest[0].as<If>() : nullptr;
    if (!next) {
      print_block(chain->else_body);
      break;
    }
    chain = next;
  }
  out_ += "\n";
}

void Printer::print_node(const Store& node) {
  line();
  out_ += name(node.buffer);
  print_list(node.indices, "[", "]");
  auto* update = node.value.as<Binary>();
  auto* old = update ? update->a.as<Load>() : nullptr;
  bool op = update && (update->op == BinaryOp::Add || update->op == BinaryOp::Sub ||
                       update->op == BinaryOp::Mul);
  bool same = op && old && old->buffer.same_as(node.buffer);
  for (size_t d = 0; same && d < node.indices.size(); ++d) {
    same = node.indices[d].same_as(old->indices[d]) || equal(node.indices[d], old->indices[d]);
  }
  if (same) {
    out_ += std::string(" ") + spelling(update->op) + "= ";
    print(update->b);
  } else {
    out_ += " = ";
    print(node.value);
  }
  out_ += "\n";
}

void Printer::print_node(const Allocate& node) {
  line();
  std::string head = std::move(out_);
  out_.clear();
  print_buffer_type(node.buffer, false);
  std::string type = std::move(out_);
  out_ = std::move(head);
  out_ +=
      "alloc " + namer_.declare_local(node.buffer.get(), node.buffer.name()) + ": " + type + "\n";
}

void Printer::print_node(const Let& node) {
  line();
  std::string head = std::move(out_);
  out_.clear();
  print(node.value);
  std::string value = std::move(out_);
  out_ = std::move(head);
  out_ += "let " + namer_.declare_local(node.var.get(), node.var.name()) + " = " + value + "\n";
}

void Printer::print_node(const Assert& node) {
  line();
  out_ += "assert ";
  print(node.condition);
  out_ += ", ";
  print_string(node.message);
  out_ += "\n";
}

void Printer::print_node(const Evaluate& node) {
  line();
  print(node.value);
  out_ += "\n";
}

void Printer::print_node(const Barrier&) {
  line();
  out_ += "barrier\n";
}

void Printer::print_node(const ImportPragma& node) {
  print_import(node.import);
}

void Printer::print_node(const UnrollPragma& node) {
  line();
  out_ += "pragma unroll " + std::to_string(node.count) + "\n";
}

void Printer::print_node(const Require& node) {
  line();
  out_ += to_string(node.requirement) + "\n";
}

void Printer::print_node(const Prefetch& node) {
  line();
  out_ += std::string("prefetch ") + (node.write ? "write " : "");
  if (node.level != 1) out_ += "into l" + std::to_string(node.level) + " ";
  out_ += name(node.buffer);
  print_list(node.indices, "[", "]");
  out_ += "\n";
}

void Printer::print_buffer_type(const Buffer& buffer, bool strided) {
  out_ += to_string(buffer->type);
  print_list(buffer->shape, "[", "]");
  if (strided) {
    out_ += " strided";
  } else if (!buffer->strides.empty()) {
    out_ += " strides ";
    print_list(buffer->strides, "[", "]");
  }
  if (buffer->alignment) out_ += " align " + std::to_string(buffer->alignment);
  if (buffer->space != MemorySpace::Global) out_ += std::string(" in ") + to_string(buffer->space);
}

void Printer::print_string(const std::string& text) {
  static const char* digits = "0123456789abcdef";
  bool utf8 = find_bad_byte(text) == std::string::npos;
  out_ += '"';
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      out_ += "\\n";
    } else if (c == '\t') {
      out_ += "\\t";
    } else if (c == '"' || c == '\\') {
      out_ += '\\';
      out_ += c;
    } else if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !utf8)) {
      out_ += "\\x";
      out_ += digits[byte >> 4];
      out_ += digits[byte & 15];
    } else {
      out_ += c;
    }
  }
  out_ += '"';
}

// Code reads best raw; what raw strings can't hold is escaped.
void Printer::print_code(const std::string& text) {
  bool raw = text.find('\n') != std::string::npos && text.find("\"\"\"") == std::string::npos &&
             text.back() != '"' && find_bad_byte(text) == std::string::npos;
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n' && c != '\t' && c != '\r') || byte == 0x7f) raw = false;
  }
  if (!raw) return print_string(text);
  out_ += "\"\"\"\n" + text + "\"\"\"";
}

}  // namespace inlay::text

namespace inlay {

std::string print(const Program& program) {
  return text::Printer().program(program);
}
std::string print(const Function& function) {
  return text::Printer().function(function);
}
std::string print(const Stmt& stmt) {
  return text::Printer().stmt(stmt);
}
std::string print(const Expr& expr) {
  return text::Printer().expr(expr);
}

}  // namespace inlay
