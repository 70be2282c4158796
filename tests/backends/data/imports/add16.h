#pragma once
#define ADD16_STEP 8
