/** sha256 of the pixels of candidates of the synthetic photo, by their only change. */
export const GOLDEN = {
  none: '7adfc995efce74dd294ec2eaa7edb3dc8042c2df964702c30304043ab28cc53d',
  tilt: '7a1b81621b4b1611157446d9d7af2c8ed6de6a51038e12a77857316a90006930',
  crop: '5cd4d3fa39e3fc84e764b929740ba34c060a2d6016c8fcb8d83519878c159e9d',
  faceBlur: 'ce36a7908d4eb2324fe221679a277d39b02c915da9f72a3e033cf92b499dcf53',
  eyesCovered: '81c5ac238f3eb16c54dd8fd2cd9e0f6311452b81eec2215656694829395ee730',
  otherPerson: '3e26ae358224282684edd3fb77bb088d0c17ccfba4efe56d686846e615565648',
  busyBackground: '4854a3064afccb05c5fd630de2382cb657e70b0ca9a046407e1a6465694093a2',
  backgroundText: '115c9aa7fd7f524bb0fa4db02ba34c7ff0066e48b8e84dda6c14950f07a471b6',
  garmentColour: '5f12a821c0653016a7cdc860edd12f3a2cd8bd6734fcdcc4865a00f1f1fb2af6',
  garmentCovered: 'f7562e1b14025c1d15b8f35e22f74bf1a2acda90962a212ef808e41bb1128438',
} as const;
