// A shared library with one function of HIP's, so that it is none of HIP.
int hipInit(unsigned flags) {
  return (int)flags;
}
