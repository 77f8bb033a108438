"""The three networks of the demo checkpoint: Stable Diffusion 1's structure block for block, only narrower."""

# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportOptionalCall=false, reportOptionalSubscript=false
# (what diffusers annotates is narrower than what it takes and gives)

from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

LATENT_SCALE = 0.18215  # SD1's: latents times this have a standard deviation of about one
TOKENS = 77
VOCABULARY = 49408
CONTEXT = 128


def autoencoder() -> AutoencoderKL:
    """Eight pixels to one latent of four channels, as SD1's."""
    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(96, 96, 96, 96),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=32,
        sample_size=128,
        scaling_factor=LATENT_SCALE,
    )


def text_encoder() -> CLIPTextModel:
    """CLIP's text encoder with its own vocabulary; the context is the last hidden state, (B, 77, 128)."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=VOCABULARY,
            hidden_size=CONTEXT,
            intermediate_size=4 * CONTEXT,
            num_hidden_layers=4,
            num_attention_heads=2,
            max_position_embeddings=TOKENS,
            hidden_act="quick_gelu",
            projection_dim=CONTEXT,
            bos_token_id=49406,
            eos_token_id=49407,
            pad_token_id=49407,
        )
    )


def denoiser() -> UNet2DConditionModel:
    """SD1's U-Net with eight heads at every width; predicts the noise of latents (B, 4, h, w)."""
    return UNet2DConditionModel(
        sample_size=16,
        in_channels=4,
        out_channels=4,
        down_block_types=("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
        up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
        block_out_channels=(96, 128, 128, 96),
        layers_per_block=1,
        cross_attention_dim=CONTEXT,
        attention_head_dim=8,  # diffusers' old name for the number of heads
        use_linear_projection=False,
        norm_num_groups=32,
    )


def noise_levels() -> DDPMScheduler:
    """SD1's thousand steps of noise."""
    return DDPMScheduler(num_train_timesteps=1000, beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False)
