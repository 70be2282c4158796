# cmake -P: hashes the files listed in FILES (paths relative to SOURCE_DIR; names count as well as
# contents) and writes OUTPUT from TEMPLATE with VALUE = PREFIX, 16 hex digits, SUFFIX.
file(STRINGS "${FILES}" files)
set(text "")
foreach(file IN LISTS files)
  file(SHA256 "${SOURCE_DIR}/${file}" hash)
  string(APPEND text "${file} ${hash}\n")
endforeach()
string(SHA256 hash "${text}")
string(SUBSTRING ${hash} 0 16 hash)
set(VALUE "${PREFIX}${hash}${SUFFIX}")
configure_file("${TEMPLATE}" "${OUTPUT}" @ONLY)  # leaves an equal file untouched
